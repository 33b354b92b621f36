"""How a sweep chooses its trials, as the run-time definition is told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.runtime import halving
from dagfactory.tasks._sweep.fields import Halving
from dagfactory.tasks._sweep.model import DRAWN, Sweep
from dagfactory.tasks._sweep.space import expression

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath

MOST_COMBINATIONS = 100_000
"""A grid of more points is not even counted: that alone would take minutes."""


def combinations(task: Sweep) -> int:
    """Return how many combinations are looked at: a grid's before exclusion, or those drawn."""
    if task.trials is not None:
        return task.trials
    follow = {name for names in task.zip for name in names[1:]}
    return math.prod(space.size or 1 for name, space in task.spaces.items() if name not in follow)


def search(task: Sweep) -> dict[str, Any]:
    """Return how trials are chosen, as the runtime reads it."""
    spaces = {name: space.definition for name, space in task.spaces.items()}
    made: dict[str, Any] = {"method": task.method, "parameters": spaces, **_conditions(task)}
    if task.trials is None:
        return made
    drawn = {} if task.method in DRAWN else {"draw": "sobol"}
    return made | drawn | {"trials": task.trials, "draw_seed": task.draw_seed}


def _conditions(task: Sweep) -> dict[str, Any]:
    """Return which trials have a hyperparameter, what goes together, and what holds in every trial."""
    when = {name: expression(each.when) for name, each in task.spaces.items() if each.when}
    found = {
        "when": when,
        "zip": task.zip,
        "constraints": [expression(each) for each in task.constraints],
    }
    return {name: value for name, value in found.items() if value}


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
        for path in places(task, name):
            message = f"`{name}` is set by `halving`"
            yield Diagnostic("DF207", message, Pointer(path, key=True), help="delete it")


def places(task: Sweep, name: str) -> Iterator[KeyPath]:
    """Yield where an argument is set, by `args` or as a hyperparameter."""
    if name in task.args:
        yield ("args", name)
    if name in task.hyperparameters:
        yield task.hyperparameters[name].path


def _ranges(task: Sweep) -> Iterator[Diagnostic]:
    """Find ranges in a sweep that tries every combination."""
    for name, (space, path) in task.hyperparameters.items():
        if space.size is None:
            message = f"`{name}` is a range, and a grid tries every value"
            remedy = (
                f"list its values: `{path[-1]}: {{values: [{space.min}, {space.max}]}}`, or set"
            )
            remedy += " `trials:` to draw them"
            if task.method == "grid":
                remedy = remedy.replace("set `trials:`", "choose `method: sobol`")
            yield Diagnostic("DF218", message, Pointer(path), help=remedy)
