"""The model of a sweep, and which of its keys go together."""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.language.common import bad, missing, wrong_type
from dagfactory.language.job import ArgumentName, ArgumentValue, JobTask
from dagfactory.runtime import sampling
from dagfactory.tasks._sweep.fields import (
    EarlyStoppingField,
    Halving,
    Method,
    Metric,
    PackField,
)
from dagfactory.tasks._sweep.pasted import explained
from dagfactory.tasks._sweep.space import Condition, Hyperparameter, Space, flat

DRAWN = ("random", "sobol")
COUNTED = (*DRAWN, "bayes")
"""Methods that cannot do without `trials`."""
MAX_TRIALS = 10_000
APART = 1e-10
"""Distance of the values of a DISCRETE parameter (Vertex AI's API, DiscreteValueSpec.values)."""
MOST_DISCRETE = 1_000
"""Values of a DISCRETE parameter (Vertex AI's API, DiscreteValueSpec.values)."""


def _lists(given: Any) -> Any:
    if given and isinstance(given, list) and all(isinstance(each, str) for each in given):
        raise wrong_type("a list of lists", f"write `[[{', '.join(given)}]]`")
    return given


class Sweep(JobTask):
    """Run one job per combination of hyperparameters and select the best trial."""

    unmapped: ClassVar[str | None] = "its `parameters` are what a sweep runs over"

    type: Literal["sweep"]
    method: Method = Field(default="grid", description="How trials are chosen.")
    metric: Metric = Field(
        description="What the best trial is best at.",
        examples=[{"name": "val_accuracy", "goal": "maximize"}],
    )
    parameters: dict[ArgumentName, Space] = Field(
        description="Hyperparameters; each becomes `--name=value`.",
        min_length=1,
        examples=[{"learning_rate": {"values": [3e-4, 1e-3]}}],
    )
    trials: int | None = Field(
        default=None, ge=1, le=MAX_TRIALS, description="How many combinations are drawn."
    )
    draw_seed: int = Field(default=0, ge=0, description="Another seed draws other combinations.")
    halving: Halving | None = Field(default=None, description="What grows from rung to rung.")
    zip: Annotated[list[list[ArgumentName]], BeforeValidator(_lists)] = Field(
        default_factory=list,
        description="Hyperparameters that go together: the first value of one with the first of the"
        " others, the second with the second.",
        examples=[[["width", "depth"]]],
    )
    constraints: list[Condition] = Field(
        default_factory=list,
        description="What holds in every trial: a gate's expression over hyperparameters.",
        examples=[["width * depth <= 512"]],
    )
    exclude: list[dict[str, ArgumentValue]] = Field(
        default_factory=list,
        description="Combinations to leave out; a part of one is enough.",
        examples=[[{"learning_rate": 3e-3, "weight_decay": 0.1}]],
    )
    include: list[dict[ArgumentName, ArgumentValue]] = Field(
        default_factory=list,
        description="Combinations to add.",
        examples=[[{"learning_rate": 1e-2}]],
    )
    max_failed_trials: int | None = Field(
        default=None, ge=1, description="So many failed trials fail the sweep; never, if absent."
    )
    algorithm: Literal["random", "grid"] | None = Field(
        default=None,
        description="How Vertex AI's study searches with `method: bayes`; by Bayesian optimisation,"
        " if absent.",
    )
    early_stopping: EarlyStoppingField | None = Field(
        default=None,
        description="How Vertex AI's study ends hopeless trials, with `method: bayes`: a rule, or"
        " the keys below.",
        examples=["median"],
    )
    measurement: Literal["last", "best"] | None = Field(
        default=None,
        description="Which report of a trial steers Vertex AI's study, with `method: bayes`; the"
        " last one, if absent.",
    )
    seeds: list[int] = Field(
        default_factory=list,
        description="Each combination runs once per seed (`--seed=N`).",
        examples=[[0, 1, 2]],
    )
    parallel: int = Field(default=4, ge=1, le=1000, description="Jobs that run at the same time.")
    pack: PackField | None = Field(
        default=None,
        description="Trials that one job trains together on one device: a number, or the keys below.",
        examples=[8],
    )

    _pasted = model_validator(mode="before")(explained)

    @model_validator(mode="after")
    def _method(self) -> Sweep:
        _check_names(self)
        _check_method(self)
        _check_steered(self)
        return self

    @cached_property
    def hyperparameters(self) -> dict[str, Hyperparameter]:
        """Return every hyperparameter by its whole name, those below others too."""
        return dict(flat(self.parameters))

    @property
    def spaces(self) -> dict[str, Space]:
        """Return what every hyperparameter can be, by its whole name."""
        return {name: each.space for name, each in self.hyperparameters.items()}


def _check_names(task: Sweep) -> None:
    """Raise a validation error for a hyperparameter that is written twice."""
    seen: set[str] = set()
    for name, each in flat(task.parameters):
        if name in seen:
            raise bad(f"`{name}` is there twice", "keep one of them", each.path)
        seen.add(name)


_STUDY = ("algorithm", "early_stopping", "measurement")
_METHODS = {
    "trials": (*COUNTED, "halving"),
    "halving": ("halving",),
    **dict.fromkeys(_STUDY, ("bayes",)),
}
"""Keys that mean something to some methods only."""


def _check_method(task: Sweep) -> None:
    """Raise a validation error for keys that the method needs or that mean nothing to it."""
    if task.method in COUNTED and task.trials is None:
        raise missing("trials", f"`method: {task.method}` tries so many combinations")
    if task.method == "halving" and task.halving is None:
        raise missing("halving", "`method: halving` needs to know what grows from rung to rung")
    for name, methods in _METHODS.items():
        if getattr(task, name) is not None and task.method not in methods:
            remedy = "delete it, or choose another `method`"
            if name in _STUDY:
                remedy = _of_studies(name)
            raise bad(f"`{name}` means nothing to `method: {task.method}`", remedy, (name,))
    if task.method == "sobol" and len(task.spaces) > sampling.MOST_DIMENSIONS:
        most = f"a Sobol sequence has at most {sampling.MOST_DIMENSIONS} hyperparameters here"
        raise bad(most, "use `method: random`", ("parameters",))


def _of_studies(name: str) -> str:
    if name == "early_stopping":
        return "delete it; `method: halving` trains the better trials longer, `bayes` stops early"
    return "delete it, or choose `method: bayes`, which Vertex AI steers"


_NOT_STEERED = ("zip", "constraints", "exclude", "include", "seeds")


def _check_steered(task: Sweep) -> None:
    """Raise a validation error for what a search that Vertex AI steers cannot have."""
    if task.method != "bayes":
        return
    for name in _NOT_STEERED:
        if getattr(task, name):
            message = (
                f"Vertex AI chooses the trials of `method: bayes`: `{name}` has no place there"
            )
            raise bad(message, "delete it, or choose another `method`", (name,))
    if task.arguments == "hydra":
        message = "Vertex AI writes the arguments of `method: bayes` as `--name=value`"
        raise bad(message, "choose another `method`, or let the program read them", ("arguments",))
    for each in task.hyperparameters.values():
        _check_suggested(task, each)
        _check_numbers(each)
    rate = task.early_stopping.learning_rate if task.early_stopping else None
    if rate and rate not in task.spaces:
        remedy = did_you_mean(rate, task.spaces)
        path = ("early_stopping", "learning_rate")
        raise bad(f"`{rate}` is not a hyperparameter of the sweep", remedy, path)


def _check_suggested(task: Sweep, each: Hyperparameter) -> None:
    """Raise a validation error for values that Vertex AI cannot suggest."""
    for index, value in enumerate(each.space.values or ()):
        path = (*each.path, "values", index)
        if value is None:
            raise bad("null is not a value that Vertex AI can suggest", "delete it", path)
        if isinstance(value, list) and task.arguments != "gnu":
            message = "Vertex AI writes a list as `--name=[1,2]`"
            raise bad(message, "choose another `method`, or let the program read it", path)
    size = each.space.size or 0
    # what is no number is a category, of which there may be more
    if size > MOST_DISCRETE and not any(isinstance(v, str) for v in each.space.values or ()):
        message = f"{size:,} values are more than Vertex AI takes: {MOST_DISCRETE:,}"
        raise bad(message, "make the step larger, or leave it out", each.path)
    if task.algorithm == "grid" and each.space.size is None and not _is_whole(each.space):
        remedy = "give it a `step` or `values`, or choose another `algorithm`"
        raise bad("`algorithm: grid` tries no range of fractions", remedy, each.path)


def _check_numbers(each: Hyperparameter) -> None:
    """Raise a validation error for numbers that Vertex AI does not take as values."""
    listed = each.space.listed or []
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in listed):
        return
    for value in listed:
        if not math.isfinite(value):
            raise bad(f"{value} is not a value that Vertex AI can suggest", "delete it", each.path)
    for before, after in itertools.pairwise(sorted(listed)):
        if 0 < after - before < APART:
            message = f"{before} and {after} are closer than Vertex AI takes: {APART}"
            raise bad(message, "delete one, or make the step larger", each.path)


def _is_whole(space: Space) -> bool:
    return isinstance(space.min, int) and isinstance(space.max, int)
