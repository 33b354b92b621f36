"""Values of a hyperparameter that are one argument: their trials would be the same job twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Pointer
from dagfactory.runtime.arguments import as_arguments

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.tasks._sweep.model import Sweep


def problems(task: Sweep) -> Iterator[Diagnostic]:
    """Find values that are not equal and are written as the same argument."""
    zipped = {name for names in task.zip for name in names}
    # of those that go together, one may well stay the same while another changes
    for name in task.hyperparameters.keys() - zipped:
        first: dict[tuple[str, ...], tuple[str, KeyPath]] = {}
        for path, value in _values(task, name):
            text = json.dumps(value)
            before, place = first.setdefault(
                tuple(as_arguments({name: value}, task.arguments)), (text, path)
            )
            if before == text and place != path and path[0] != "include":
                yield _equal(text, path, place)
            elif before != text:
                yield Diagnostic(
                    "DF219",
                    f"`{text}` is the same argument as `{before}`",
                    Pointer(path),
                    help="keep one of them",
                    labels=(Label(Pointer(place), "first written here"),),
                )


def _equal(text: str, path: KeyPath, place: KeyPath) -> Diagnostic:
    """Say that a value is there twice, which makes one trial."""
    return Diagnostic(
        "DF337",
        f"`{text}` is there twice, and makes one trial",
        Pointer(path),
        help="delete it, or write `seeds:` to run a combination more than once",
        labels=(Label(Pointer(place), "first written here"),),
        severity="warning",
    )


def _values(task: Sweep, name: str) -> Iterator[tuple[KeyPath, Any]]:
    """Yield every value of a hyperparameter with its path."""
    space, here = task.hyperparameters[name]
    for index, value in enumerate(space.values or ()):
        yield (*here, "values", index), value
    for index, point in enumerate(task.include):
        if name in point:
            yield ("include", index, name), point[name]
