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

from dagfactory.document.locate import locate

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.diagnostic import Diagnostic


def names() -> list[str]:
    """Return the names of all checks in alphabetical order."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def lint(plan: Plan) -> Iterator[Diagnostic]:
    """Run every check over a plan."""
    for check in _checks():
        for problem in check(plan):
            yield locate(plan.node, problem)


@cache
def _checks() -> tuple[Callable[[Plan], Iterator[Diagnostic]], ...]:
    return tuple(import_module(f"{__name__}.{name}").check for name in names())
