"""How a sweep chooses its trials: spaces, methods, and what the run-time definition says of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from dagfactory.document.finding import Problem
from dagfactory.language.common import SpecModel, bad, missing
from dagfactory.language.job import ArgumentName, Scalar
from dagfactory.runtime import draw, halving

if TYPE_CHECKING:
    from dagfactory.tasks.sweep import Sweep

Number: TypeAlias = int | float
Method: TypeAlias = Literal["grid", "random", "sobol", "halving", "bayes"]

DRAWN = ("random", "sobol")
COUNTED = (*DRAWN, "bayes")
"""Methods that cannot do without `trials`."""
MAX_TRIALS = 10_000
MOST_COMBINATIONS = 100_000


class Space(SpecModel):
    """What one hyperparameter can be: a list of values, or a range."""

    values: list[Scalar] | None = Field(default=None, description="Tried one by one.", min_length=1)
    min: Number | None = Field(
        default=None, description="Smallest value of a range, never an exponent.", examples=[1e-4]
    )
    max: Number | None = Field(
        default=None, description="Largest value of a range.", examples=[1e-2]
    )
    scale: Literal["linear", "log"] | None = Field(
        default=None, description="Whether a range is drawn from evenly or by order of magnitude."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Space:
        if self.values is not None:
            if (self.min, self.max, self.scale) != (None, None, None):
                raise bad("`values` and a range exclude each other", "keep one of them")
            return self
        if self.min is None and self.max is None:
            raise missing("values", "a hyperparameter has `values`, or `min` and `max`")
        self._check_range()
        return self

    def _check_range(self) -> None:
        if self.min is None or self.max is None:
            raise missing("max" if self.max is None else "min", "a range has both ends")
        if self.min >= self.max:
            raise bad(f"`min` {self.min} is not below `max` {self.max}", "swap them", ("min",))
        if self.scale == "log" and self.min <= 0:
            remedy = "write the values themselves, 0.0001 and not -4, or use `scale: linear`"
            raise bad("a logarithmic range begins above 0", remedy, ("min",))

    @property
    def definition(self) -> Any:
        """Return what the runtime draws from: a list, or a mapping of a range."""
        if self.values is not None:
            return self.values
        return self.model_dump(include={"min", "max", "scale"}, exclude_none=True)


class Halving(SpecModel):
    """Successive halving: all trials train a little, the better part of them longer, and so on."""

    argument: ArgumentName = Field(
        description="Argument that says how long a trial trains.", examples=["epochs"]
    )
    min: Number = Field(description="Its value in the first rung.", gt=0, examples=[1])
    max: Number = Field(description="Its largest value.", gt=0, examples=[9])
    eta: int = Field(
        default=3,
        ge=2,
        le=10,
        description="One of so many goes on, and trains so many times longer.",
    )
    carry: ArgumentName | None = Field(
        default=None,
        description="Argument that gets the model directory of the rung before.",
        examples=["from"],
    )

    @model_validator(mode="after")
    def _two_rungs(self) -> Halving:
        if self.min * self.eta > self.max:
            message = f"there is one rung only: {self.min} x {self.eta} is more than {self.max}"
            raise bad(message, f"`max` is at least {self.min * self.eta}", ("max",))
        return self


def methods_agree(task: Sweep) -> None:
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
    if task.method == "sobol" and len(task.parameters) > draw.MOST_DIMENSIONS:
        most = f"a Sobol sequence has at most {draw.MOST_DIMENSIONS} hyperparameters here"
        raise bad(most, "use `method: random`", ("parameters",))


def steered_agrees(task: Sweep) -> None:
    """Raise a validation error for what a search that Vertex AI steers cannot have."""
    if task.method != "bayes":
        return
    for name in ("exclude", "include", "seeds"):
        if getattr(task, name):
            message = (
                f"Vertex AI chooses the trials of `method: bayes`: `{name}` has no place there"
            )
            raise bad(message, "delete it, or choose another `method`", (name,))
    for name, space in task.parameters.items():
        if space.values is not None and None in space.values:
            message = "null is no value that Vertex AI can suggest"
            raise bad(
                message, "delete it", ("parameters", name, "values", space.values.index(None))
            )


def study(task: Sweep) -> dict[str, Any]:
    """Return what Vertex AI is told of a search that it steers."""
    metric = {"metricId": task.metric.name, "goal": task.metric.goal.upper()}
    parameters = [
        {"parameterId": name, **_vertex_space(space)} for name, space in task.parameters.items()
    ]
    return {
        "studySpec": {"metrics": [metric], "parameters": parameters},
        "maxTrialCount": task.trials,
        "parallelTrialCount": min(task.parallel, task.trials or 1),
    }


def _vertex_space(space: Space) -> dict[str, Any]:
    """Return the ParameterSpec of a hyperparameter (StudySpec.ParameterSpec of Vertex AI's API)."""
    if space.values is not None:
        numbers = [v for v in space.values if isinstance(v, int | float)]
        if len(numbers) == len(space.values) and not any(isinstance(v, bool) for v in numbers):
            return {"discreteValueSpec": {"values": sorted(numbers)}}
        return {"categoricalValueSpec": {"values": [_word(value) for value in space.values]}}
    whole = isinstance(space.min, int) and isinstance(space.max, int)
    ends = {"minValue": space.min, "maxValue": space.max}
    scale = "UNIT_LOG_SCALE" if space.scale == "log" else "UNIT_LINEAR_SCALE"
    return {"integerValueSpec" if whole else "doubleValueSpec": ends, "scaleType": scale}


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def combinations(task: Sweep) -> int:
    """Return how many combinations are looked at: a grid's before exclusion, or those drawn."""
    if task.trials is not None:
        return task.trials
    return math.prod(len(space.values or ()) or 1 for space in task.parameters.values())


def search(task: Sweep) -> dict[str, Any]:
    """Return how trials are chosen, as the runtime reads it."""
    spaces = {name: space.definition for name, space in task.parameters.items()}
    made: dict[str, Any] = {"method": task.method, "parameters": spaces}
    if task.trials is None:
        return made
    drawn = {} if task.method in DRAWN else {"draw": "sobol"}
    return made | drawn | {"trials": task.trials, "draw_seed": task.draw_seed}


def rungs(grown: Halving, points: int) -> dict[str, Any]:
    """Return the rungs of successive halving for so many points."""
    budgets, sizes = halving.plan(points, grown.min, grown.max, grown.eta)
    return {"argument": grown.argument, "budgets": budgets, "sizes": sizes}


def problems(task: Sweep, points: int) -> Iterator[Problem]:
    """Find ranges where values are needed, too few combinations, and arguments set twice."""
    if task.trials is None:
        yield from _ranges(task)
    elif 0 < points < task.trials:
        message = f"only {points} different combinations exist, fewer than {task.trials} trials"
        yield Problem("DF208", message, ("trials",), help=f"write `trials: {points}`")
    grown = task.halving
    if grown is None:
        return
    for name in filter(None, (grown.argument, grown.carry)):
        for place in ("args", "parameters"):
            if name in getattr(task, place):
                message = f"`{name}` is set by `halving`"
                yield Problem("DF207", message, (place, name), key=True, help="delete it")


def _ranges(task: Sweep) -> Iterator[Problem]:
    """Find ranges in a sweep that tries every combination."""
    for name, space in task.parameters.items():
        if space.values is None:
            message = f"`{name}` is a range, and a grid tries every value"
            remedy = f"list its values: `{name}: {{values: [{space.min}, {space.max}]}}`, or set"
            remedy += " `trials:` to draw them"
            if task.method == "grid":
                remedy = remedy.replace("set `trials:`", "choose `method: sobol`")
            yield Problem("DF218", message, ("parameters", name), help=remedy)
