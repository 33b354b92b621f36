"""The model of a sweep, and which of its keys go together."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from dagfactory.language.common import bad, missing
from dagfactory.language.job import ArgumentName, JobTask, Scalar
from dagfactory.runtime import sampling
from dagfactory.tasks._sweep.fields import Halving, Method, Metric, PackField, Space
from dagfactory.tasks._sweep.pasted import explained

DRAWN = ("random", "sobol")
COUNTED = (*DRAWN, "bayes")
"""Methods that cannot do without `trials`."""
MAX_TRIALS = 10_000


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
    exclude: list[dict[str, Scalar]] = Field(
        default_factory=list,
        description="Combinations to leave out; a part of one is enough.",
        examples=[[{"learning_rate": 3e-3, "weight_decay": 0.1}]],
    )
    include: list[dict[ArgumentName, Scalar]] = Field(
        default_factory=list,
        description="Combinations to add.",
        examples=[[{"learning_rate": 1e-2}]],
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
        _check_method(self)
        _check_steered(self)
        return self


def _check_method(task: Sweep) -> None:
    """Raise a validation error for keys that the method needs or that mean nothing to it."""
    if task.method in COUNTED and task.trials is None:
        raise missing("trials", f"`method: {task.method}` tries so many combinations")
    if task.method == "halving" and task.halving is None:
        raise missing("halving", "`method: halving` needs to know what grows from rung to rung")
    idle = [
        name
        for name, methods in (("trials", (*COUNTED, "halving")), ("halving", ("halving",)))
        if getattr(task, name) is not None and task.method not in methods
    ]
    for name in idle:
        remedy = "delete it, or choose another `method`"
        raise bad(f"`{name}` means nothing to `method: {task.method}`", remedy, (name,))
    if task.method == "sobol" and len(task.parameters) > sampling.MOST_DIMENSIONS:
        most = f"a Sobol sequence has at most {sampling.MOST_DIMENSIONS} hyperparameters here"
        raise bad(most, "use `method: random`", ("parameters",))


def _check_steered(task: Sweep) -> None:
    """Raise a validation error for what a search that Vertex AI steers cannot have."""
    if task.method != "bayes":
        return
    for name in ("exclude", "include", "seeds"):
        if getattr(task, name):
            message = (
                f"Vertex AI chooses the trials of `method: bayes`: `{name}` has no place there"
            )
            raise bad(message, "delete it, or choose another `method`", (name,))
    if task.arguments == "hydra":
        message = "Vertex AI writes the arguments of `method: bayes` as `--name=value`"
        raise bad(message, "choose another `method`, or let the program read them", ("arguments",))
    for name, space in task.parameters.items():
        if space.values is not None and None in space.values:
            message = "null is not a value that Vertex AI can suggest"
            raise bad(
                message, "delete it", ("parameters", name, "values", space.values.index(None))
            )
