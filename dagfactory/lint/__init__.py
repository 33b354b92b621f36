"""Lint: what is allowed and still a mistake. One module per check, found by listing this package.

A module defines `check(plan) -> Iterator[Problem]`, paths from the pipeline's root. Codes are DF3xx.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.problems import locate

if TYPE_CHECKING:
    from dagfactory.diagnostics import Diagnostic
    from dagfactory.plan import Plan


def names() -> list[str]:
    """Return the names of all checks in alphabetical order."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def lint(plan: Plan) -> Iterator[Diagnostic]:
    """Run every check over a plan."""
    for name in names():
        for problem in import_module(f"{__name__}.{name}").check(plan):
            yield locate(plan.node, problem)
