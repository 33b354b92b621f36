"""How a sweep chooses its trials, as the run-time definition and Vertex AI are told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.runtime import halving
from dagfactory.tasks._sweep.fields import Halving, Space
from dagfactory.tasks._sweep.model import DRAWN, Sweep

MOST_COMBINATIONS = 100_000
"""A grid of more points is not even counted: that alone would take minutes."""


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


def problems(task: Sweep, points: int) -> Iterator[Diagnostic]:
    """Find ranges where values are needed, too few combinations, and arguments set twice."""
    if task.trials is None:
        yield from _ranges(task)
    elif 0 < points < task.trials:
        message = f"only {points} different combinations exist, fewer than {task.trials} trials"
        yield Diagnostic("DF208", message, Pointer(("trials",)), help=f"write `trials: {points}`")
    grown = task.halving
    if grown is None:
        return
    for name in filter(None, (grown.argument, grown.carry)):
        for section in ("args", "parameters"):
            if name in getattr(task, section):
                message = f"`{name}` is set by `halving`"
                yield Diagnostic(
                    "DF207", message, Pointer((section, name), key=True), help="delete it"
                )


def _ranges(task: Sweep) -> Iterator[Diagnostic]:
    """Find ranges in a sweep that tries every combination."""
    for name, space in task.parameters.items():
        if space.values is None:
            message = f"`{name}` is a range, and a grid tries every value"
            remedy = f"list its values: `{name}: {{values: [{space.min}, {space.max}]}}`, or set"
            remedy += " `trials:` to draw them"
            if task.method == "grid":
                remedy = remedy.replace("set `trials:`", "choose `method: sobol`")
            yield Diagnostic("DF218", message, Pointer(("parameters", name)), help=remedy)
