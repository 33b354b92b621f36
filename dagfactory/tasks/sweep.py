"""`sweep`: try hyperparameters in parallel jobs and pick the best; one mapped task, any number of trials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Group, Indices, Operator
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.runtime.halving import trial_slots
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.job import job_arguments
from dagfactory.task_api.job_problems import job_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._sweep import conditions, listings, twice
from dagfactory.tasks._sweep.counts import pack_count, point_count, trial_count
from dagfactory.tasks._sweep.model import MAX_TRIALS, Sweep
from dagfactory.tasks._sweep.pack import names, packing
from dagfactory.tasks._sweep.pack import problems as pack_problems
from dagfactory.tasks._sweep.search import MOST_COMBINATIONS, combinations, rungs, search
from dagfactory.tasks._sweep.search import problems as search_problems
from dagfactory.tasks._sweep.study import study

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


def definition(task: Sweep, pipeline: Pipeline) -> dict[str, Any]:
    """Return the compact definition that trials and packs of them are derived from at run time."""
    return trials(task) | packing(task, pipeline)


def trials(task: Sweep) -> dict[str, Any]:
    """Return the part of the definition that says which trials there are."""
    made = search(task)
    optional = {"exclude": task.exclude, "include": task.include, "seeds": task.seeds}
    made |= {name: value for name, value in optional.items() if value}
    if task.halving:
        made["rungs"] = rungs(task.halving, point_count(made))
    return made


def outputs(task: Sweep, context: TaskContext) -> dict[str, Any]:
    """Offer the best trial: its model, checkpoints, value and hyperparameters, known when it ran."""
    grown = [task.halving.argument] if task.halving else []
    return {
        "best": context.xcom("model_dir", task="best"),
        "model_dir": context.xcom("model_dir", task="best"),
        "checkpoint": context.xcom("checkpoint", task="best"),
        "metrics": context.xcom("model_dir", task="best") + "/metrics.json",
        "value": context.xcom("value", task="best"),
        "parameters": _winners(task, context, [*names(task), *grown]),
        "dir": context.dir,
        "leaderboard": f"{context.dir}/trials.json",
    }


def _winners(task: Sweep, context: TaskContext, every: list[str]) -> dict[str, Any]:
    """Return the best trial's parameters by their names, those with dots below their first part."""
    found: dict[str, Any] = {}
    for name in every:
        *above, last = name.split(".")
        here = found
        for part in above:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):  # `model` and `model.width`, both hyperparameters
                break
        else:
            here.setdefault(last, _winner(task, context, name))
    return found


def _winner(task: Sweep, context: TaskContext, name: str) -> str:
    space = task.spaces.get(name)
    if space is None or not space.when:
        return context.xcom("parameters", name, task="best")
    # None where the best trial has none, which leaves the argument out
    return context.xcom("parameters", task="best").replace(" }}", f".get({name!r}) }}}}")


def roots(task: Sweep, context: TaskContext) -> tuple[str, ...]:
    """Name the task that a gate has to follow."""
    first = "best" if task.method == "bayes" else _stages(task)[0].trials
    return (f"{context.airflow_id}.{first}",)


@dataclass(frozen=True, slots=True)
class _Stage:
    """A mapped task of trials and the task that judges them; `rung` only with halving."""

    trials: str
    best: str
    rung: int | None = None


def _stages(task: Sweep) -> list[_Stage]:
    if not task.halving:
        return [_Stage("trial", "best")]
    last = len(trials(task)["rungs"]["sizes"]) - 1
    return [
        _Stage(f"rung_{n}", "best" if n == last else f"promote_{n}", n) for n in range(last + 1)
    ]


def lower(task: Sweep, lowering: LoweringContext, context: TaskContext) -> Group:
    """Return a group: the trials as one mapped task, then the choice of the best; so in each rung."""
    if task.method == "bayes":
        return _steered(task, lowering, context)
    compact = definition(task, lowering.pipeline)
    pairs = [_pair(task, lowering, context, compact, stage) for stage in _stages(task)]
    members = tuple(member for pair in pairs for member in pair)
    return Group(
        id=context.id,
        variable=context.variable,
        members=members,
        edges=tuple((a.variable, b.variable) for a, b in pairwise(members)),
        tooltip=_tooltip(task, compact),
    )


def _steered(task: Sweep, lowering: LoweringContext, context: TaskContext) -> Group:
    """Return a group of one task: Vertex AI runs the trials, the task chooses among them."""
    best = Operator(
        id="best",
        variable=f"{context.variable}__best",
        symbol=lowering.runtime("tune", "TuneOperator"),
        arguments={
            "task_id": "best",
            "study": study(task),
            **job_arguments(task, lowering, context),
        },
    )
    tooltip = f"{task.trials} trials that Vertex AI chooses, best {task.metric.name}"
    return Group(context.id, context.variable, (best,), tooltip=tooltip)


def _pair(
    task: Sweep,
    lowering: LoweringContext,
    context: TaskContext,
    compact: dict[str, Any],
    stage: _Stage,
) -> tuple[Operator, Operator]:
    """Return the mapped trials and the task that judges them."""
    rung = {} if stage.rung is None else {"rung": stage.rung}
    carry = task.halving.carry if task.halving and stage.rung else None
    size = _size(compact, stage)
    at_once = min(task.parallel, size)
    module, operator, index = "sweep", "VertexTrialOperator", "trial"
    if task.pack:
        module, operator, index = "pack", "VertexPackOperator", "pack"
    trials = Operator(
        id=stage.trials,
        variable=f"{context.variable}__{stage.trials}",
        symbol=lowering.runtime(module, operator),
        arguments={
            "task_id": stage.trials,
            "sweep": compact,
            **rung,
            **({"carry": carry} if carry else {}),
            **_first_rule(job_arguments(task, lowering, context, at_once), stage),
            "max_active_tis_per_dagrun": task.parallel,
            "map_index_template": "{{ task.trial_label }}",
        },
        expand={index: Indices(size)},
    )
    best = Operator(
        id=stage.best,
        variable=f"{context.variable}__{stage.best}",
        symbol=lowering.runtime("sweep", "BestTrialOperator"),
        arguments={
            "task_id": stage.best,
            "trials": f"{context.airflow_id}.{stage.trials}",
            "base": context.dir,
            "metric": task.metric.name,
            "goal": task.metric.goal,
            **({"max_failed": task.max_failed_trials} if task.max_failed_trials else {}),
            **rung,
            **_without_rule(operator_arguments(task, lowering)),
        },
    )
    return trials, best


def _size(compact: dict[str, Any], stage: _Stage) -> int:
    """Return the number of jobs."""
    if "pack" in compact:
        return pack_count(compact)
    return trial_count(compact) if stage.rung is None else trial_slots(compact, stage.rung)


def _first_rule(arguments: dict[str, Any], stage: _Stage) -> dict[str, Any]:
    """Leave out the trigger rule of later rungs: they wait for the rung before."""
    return {k: v for k, v in arguments.items() if not (stage.rung and k == "trigger_rule")}


def _tooltip(task: Sweep, compact: dict[str, Any]) -> str:
    if task.halving:
        grown, sizes = task.halving.argument, compact["rungs"]["sizes"]
        steps = ", ".join(
            f"{size} with {grown}={budget}"
            for size, budget in zip(sizes, compact["rungs"]["budgets"], strict=True)
        )
        return f"{steps}; best {task.metric.name}"
    together = f", at most {task.pack.trials} in a job" if task.pack else ""
    return f"{trial_count(compact)} trials{together}, best {task.metric.name}"


def _without_rule(arguments: dict[str, Any]) -> dict[str, Any]:
    """Leave out what belongs to the trials: the trigger rule, the pool of the jobs."""
    kept = ("retries", "retry_delay", "retry_exponential_backoff", "max_retry_delay", "queue")
    return {key: value for key, value in arguments.items() if key in kept}


def problems(
    task: Sweep, pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find what a job lacks, empty grids, and parameters that the arguments set as well."""
    yield from job_problems(task, pipeline, environment)
    yield from _set_twice(task)
    yield from listings.problems(task)
    yield from pack_problems(task, pipeline)
    yield from twice.problems(task)
    wrong = list(conditions.problems(task))
    yield from wrong
    if task.method != "bayes" and not wrong:
        yield from _counts(task)


def _counts(task: Sweep) -> Iterator[Diagnostic]:
    """Find sweeps of no trial, or of more than anybody wants to start."""
    total = combinations(task)
    if total <= MOST_COMBINATIONS:  # else not even counted, which would take minutes
        compact = trials(task)
        total = trial_count(compact)
        yield from search_problems(task, point_count(compact) - len(task.include))
    if not total:
        key = "exclude" if task.exclude else "constraints"
        yield Diagnostic("DF208", f"no trial is left: `{key}` removes them all", Pointer((key,)))
    elif total > MAX_TRIALS:
        message = f"{total:,} trials are more than {MAX_TRIALS:,}"
        yield Diagnostic(
            "DF208", message, Pointer(("parameters",), key=True), help="use fewer values"
        )


def _set_twice(task: Sweep) -> Iterator[Diagnostic]:
    """Find hyperparameters that the arguments set as well, and a seed that `seeds` sets."""
    seeded = ["seed"] if task.seeds else []
    for name in (*task.spaces, *seeded):
        if name in task.args:
            message, help_ = f"`{name}` is a hyperparameter here", "each trial sets it: delete it"
            yield Diagnostic("DF207", message, Pointer(("args", name), key=True), help=help_)
    if seeded and "seed" in task.spaces:
        message, path = "`seed` is set by `seeds` as well", ("parameters", "seed")
        yield Diagnostic("DF207", message, Pointer(path, key=True), help="keep one of them")


TASK_TYPE = TaskType(Sweep, lower, outputs=outputs, roots=roots, problems=problems)
