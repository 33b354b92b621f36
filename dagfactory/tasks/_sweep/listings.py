"""`include` and `exclude` of a sweep: what they name, and whether it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.runtime import expr
from dagfactory.runtime.conditions import Conditions
from dagfactory.tasks._sweep.space import expression

if TYPE_CHECKING:
    from dagfactory.tasks._sweep.model import Sweep


def problems(task: Sweep) -> Iterator[Diagnostic]:
    """Find combinations to leave out that there are not, and combinations to add that are not whole."""
    yield from _idle_rules(task)
    yield from _other_combinations(task)


def _other_combinations(task: Sweep) -> Iterator[Diagnostic]:
    """Find combinations to include that have other hyperparameters than the sweep."""
    for index, point in enumerate(task.include):
        for name in point:
            if name not in task.spaces:
                path, help_ = ("include", index, name), did_you_mean(name, task.spaces)
                message = f"unknown hyperparameter `{name}`"
                yield Diagnostic("DF217", message, Pointer(path, key=True), help=help_)
        yield from (
            Diagnostic("DF217", message, Pointer(("include", index)), help=help_)
            for message, help_ in _unfit(task, point)
        )


def _unfit(task: Sweep, point: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield why a combination is none of the sweep's, and what to do."""
    lacks, more = [], []
    for name, space in task.spaces.items():
        wanted = not space.when or expr.holds(expression(space.when), point)
        if wanted and name not in point:
            lacks.append(f"`{name}`")
        elif name in point and not wanted:
            more.append(f"`{name}`")
    if lacks:
        yield "this combination lacks " + ", ".join(lacks), "give each a value"
    if more:
        yield f"by its `when`, this combination has no {', '.join(more)}", "delete it"
    if not lacks and not Conditions({"constraints": list(map(expression, task.constraints))}).allow(
        dict(point)
    ):
        yield "this combination does not fit the `constraints`", "delete it, or change them"


def _idle_rules(task: Sweep) -> Iterator[Diagnostic]:
    """Find exclusions that name no hyperparameter or no value of it: they would exclude nothing."""
    for index, rule in enumerate(task.exclude):
        for name, value in rule.items():
            path = ("exclude", index, name)
            if name not in task.spaces:
                help_ = did_you_mean(name, task.spaces)
                yield Diagnostic(
                    "DF209",
                    f"unknown hyperparameter `{name}`",
                    Pointer(path, key=True),
                    help=help_,
                )
                continue
            known = task.spaces[name].listed
            if known is None:
                message = f"`{name}` is a range, so nothing is excluded"
                yield Diagnostic("DF209", message, Pointer(path), help="make the range smaller")
            elif value not in known:
                values = ", ".join(map(str, known))
                message = f"`{name}` never is {value}, so nothing is excluded"
                yield Diagnostic("DF209", message, Pointer(path), help=f"its values are {values}")
