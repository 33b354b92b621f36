"""Task types: one module each. A module's name is its type; it defines MODEL and how it lowers."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.language.task import TaskBase


@cache
def types() -> list[str]:
    """Return the names of all task types in alphabetical order, importing none."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def model(name: str) -> type[TaskBase]:
    """Return the model of a task type; raises KeyError for a name that is none."""
    if name not in types():
        raise KeyError(name)
    found: type[TaskBase] = import_module(f"{__name__}.{name}").MODEL
    return found
