"""`sweep`: try hyperparameters in parallel jobs and pick the best; one mapped task, any number of trials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.lower.common import operator_arguments
from dagfactory.lower.job import job_arguments
from dagfactory.lower.job_problems import job_problems
from dagfactory.module import Group, Indices, Operator
from dagfactory.problems import Problem
from dagfactory.runtime.grid import count
from dagfactory.spec.common import SpecModel
from dagfactory.spec.job import ArgumentName, JobTask, Scalar
from dagfactory.suggest import did_you_mean

if TYPE_CHECKING:
    from dagfactory.lower.scope import Place, Scope
    from dagfactory.spec.environment import EnvironmentFile
    from dagfactory.spec.pipeline import Pipeline

MAX_TRIALS = 10_000


class Metric(SpecModel):
    """The metric that decides which trial is best."""

    name: str = Field(
        description="Name of the metric in `metrics.json`.", examples=["val_accuracy"]
    )
    goal: Literal["maximize", "minimize"] = Field(description="Which way is better.")


class Values(SpecModel):
    """The values of one hyperparameter."""

    values: list[Scalar] = Field(description="Tried one by one.", min_length=1)


class Sweep(JobTask):
    """Run one job per combination of hyperparameters and select the best trial."""

    type: Literal["sweep"]
    method: Literal["grid"] = Field(default="grid", description="How trials are chosen.")
    metric: Metric = Field(description="What the best trial is best at.")
    parameters: dict[ArgumentName, Values] = Field(
        description="Hyperparameters; each becomes `--name=value`.", min_length=1
    )
    exclude: list[dict[str, Scalar]] = Field(
        default_factory=list, description="Combinations to leave out; a part of one is enough."
    )
    include: list[dict[ArgumentName, Scalar]] = Field(
        default_factory=list, description="Combinations to add."
    )
    seeds: list[int] = Field(
        default_factory=list, description="Each combination runs once per seed (`--seed=N`)."
    )
    parallel: int = Field(default=4, ge=1, le=1000, description="Trials that run at the same time.")


MODEL = Sweep


def definition(task: Sweep) -> dict[str, Any]:
    """Return the compact definition that the trials are derived from at run time."""
    made: dict[str, Any] = {
        "method": task.method,
        "parameters": {name: item.values for name, item in task.parameters.items()},
    }
    optional = {"exclude": task.exclude, "include": task.include, "seeds": task.seeds}
    return made | {name: value for name, value in optional.items() if value}


def outputs(task: Sweep, place: Place) -> dict[str, Any]:
    """Offer the best trial: its model, checkpoints, value and hyperparameters, known when it ran."""
    names = [*task.parameters, *(["seed"] if task.seeds else [])]
    return {
        "best": place.xcom("model_dir", task="best"),
        "model_dir": place.xcom("model_dir", task="best"),
        "checkpoint": place.xcom("checkpoint", task="best"),
        "value": place.xcom("value", task="best"),
        "parameters": {name: place.xcom("parameters", name, task="best") for name in names},
        "dir": place.dir,
        "leaderboard": f"{place.dir}/trials.json",
    }


def roots(_task: Sweep, place: Place) -> tuple[str, ...]:
    """Name the task that a gate has to follow."""
    return (f"{place.airflow_id}.trial",)


def lower(task: Sweep, scope: Scope, place: Place) -> Group:
    """Return a group: the trials as one mapped task, then the choice of the best."""
    compact = definition(task)
    trial = Operator(
        id="trial",
        variable=f"{place.variable}__trial",
        symbol=scope.runtime("sweep", "VertexTrialOperator"),
        arguments={
            "task_id": "trial",
            "sweep": compact,
            **job_arguments(task, scope, place),
            "max_active_tis_per_dagrun": task.parallel,
            "map_index_template": "{{ task.trial_label }}",
        },
        expand={"trial": Indices(count(compact))},
    )
    best = Operator(
        id="best",
        variable=f"{place.variable}__best",
        symbol=scope.runtime("sweep", "BestTrialOperator"),
        arguments={
            "task_id": "best",
            "trials": f"{place.airflow_id}.trial",
            "base": place.dir,
            "metric": task.metric.name,
            "goal": task.metric.goal,
            **_without_rule(operator_arguments(task, scope)),
        },
    )
    return Group(
        id=place.id,
        variable=place.variable,
        members=(trial, best),
        edges=((trial.variable, best.variable),),
        tooltip=f"{count(compact)} trials, best {task.metric.name}",
    )


def _without_rule(arguments: dict[str, Any]) -> dict[str, Any]:
    """Leave out what belongs to the trials: the trigger rule, the pool of the jobs."""
    kept = ("retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay", "queue")
    return {key: value for key, value in arguments.items() if key in kept}


def problems(
    task: Sweep, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Problem]:
    """Find what a job lacks, empty grids, and parameters that the arguments set as well."""
    yield from job_problems(task, pipeline, environment)
    yield from _set_twice(task)
    yield from _idle_rules(task)
    yield from _other_combinations(task)
    total = count(definition(task))
    if not total:
        yield Problem("DF208", "no trial is left: `exclude` removes them all", ("exclude",))
    elif total > MAX_TRIALS:
        message = f"{total:,} trials are more than {MAX_TRIALS:,}"
        yield Problem("DF208", message, ("parameters",), key=True, help="use fewer values")


def _set_twice(task: Sweep) -> Iterator[Problem]:
    """Find hyperparameters that the arguments set as well, and a seed that `seeds` sets."""
    seeded = ["seed"] if task.seeds else []
    for name in (*task.parameters, *seeded):
        if name in task.args:
            message, help_ = f"`{name}` is a hyperparameter here", "each trial sets it: delete it"
            yield Problem("DF207", message, ("args", name), key=True, help=help_)
    if seeded and "seed" in task.parameters:
        message, path = "`seed` is set by `seeds` as well", ("parameters", "seed")
        yield Problem("DF207", message, path, key=True, help="keep one of them")


def _other_combinations(task: Sweep) -> Iterator[Problem]:
    """Find combinations to include that have other hyperparameters than the sweep."""
    for index, point in enumerate(task.include):
        for name in point:
            if name not in task.parameters:
                path, help_ = ("include", index, name), did_you_mean(name, task.parameters)
                message = f"unknown hyperparameter `{name}`"
                yield Problem("DF217", message, path, key=True, help=help_)
        lacks = [name for name in task.parameters if name not in point]
        if lacks:
            message = "this combination lacks " + ", ".join(f"`{name}`" for name in lacks)
            yield Problem("DF217", message, ("include", index), help="give each a value")


def _idle_rules(task: Sweep) -> Iterator[Problem]:
    """Find exclusions that name no hyperparameter or no value of it: they would exclude nothing."""
    for index, rule in enumerate(task.exclude):
        for name, value in rule.items():
            path = ("exclude", index, name)
            if name not in task.parameters:
                help_ = did_you_mean(name, task.parameters)
                yield Problem(
                    "DF209", f"unknown hyperparameter `{name}`", path, key=True, help=help_
                )
            elif value not in task.parameters[name].values:
                values = ", ".join(map(str, task.parameters[name].values))
                message = f"`{name}` never is {value}, so nothing is excluded"
                yield Problem("DF209", message, path, help=f"its values are {values}")
