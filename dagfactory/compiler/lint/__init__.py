"""What is allowed in a plan and still a mistake: one file per check. May import `validate` and below.

A module, found by listing this package, defines `check(plan) -> Iterator[Diagnostic]` with pointers from the
pipeline's root. Codes are DF3xx.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.diagnostics.span import Pointer
from dagfactory.document.locate import locate

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.diagnostic import Diagnostic


def names() -> list[str]:
    """Return the names of all checks in alphabetical order."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


_OF_ORDER = frozenset({"DF304", "DF311", "DF314", "DF315", "DF331"})
"""What is said about a task because of those before it."""


def lint(plan: Plan) -> Iterator[Diagnostic]:
    """Run every check over a plan."""
    for check in _checks():
        for problem in check(plan):
            if problem.code not in _OF_ORDER or not _is_unsettled(plan, problem):
                yield locate(plan.node, problem)


def _is_unsettled(plan: Plan, problem: Diagnostic) -> bool:
    """Whether a finding is about a task of which not all is known that comes before it."""
    places = (problem.place, *(each.place for each in problem.labels))
    paths = [each.path for each in places if isinstance(each, Pointer)]
    unsettled = [plan.tasks[name].path for name in plan.unsettled]
    return any(path[: len(each)] == each for path in paths for each in unsettled)


@cache
def _checks() -> tuple[Callable[[Plan], Iterator[Diagnostic]], ...]:
    return tuple(import_module(f"{__name__}.{name}").check for name in names())
