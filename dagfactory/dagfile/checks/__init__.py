"""What a rendered file must be, whatever went wrong before: one file per check.

A check module defines `check(text) -> str | None`: None, or what is wrong. A finding here is our own bug,
so it raises instead of becoming a diagnostic, and nothing is written.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module


class RenderedCodeError(Exception):
    """A rendered file failed a check: a bug in the generator, never in the spec."""


def names() -> list[str]:
    """Return the names of all checks."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def check(name: str, text: str) -> None:
    """Run every check over the rendered file `name`; raises RenderedCodeError at the first finding."""
    for checker, run in _checks().items():
        problem = run(text)
        if problem:
            raise RenderedCodeError(f"{name}: {checker}: {problem}")


@cache
def _checks() -> dict[str, Callable[[str], str | None]]:
    return {name: import_module(f"{__name__}.{name}").check for name in names()}
