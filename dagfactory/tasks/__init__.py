"""One file per task type: its model and how it lowers. It may import `task_api` and what lies below.

A module's name is its type's name; dropping a module in is all that a new type needs.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from dagfactory.task_api.task_type import TaskModule, TaskType


@cache
def types() -> list[str]:
    """Return the names of all task types in alphabetical order, importing none."""
    return sorted(each.name for each in pkgutil.iter_modules(__path__) if each.name[0] != "_")


@cache
def task_type(name: str) -> TaskType[Any]:
    """Return a task type by its name; raises KeyError for a name that no module has."""
    # no type that a spec can name: what the validation puts in the place of a task with mistakes
    if name not in (*types(), "_hole"):
        raise KeyError(name)
    return cast("TaskModule", import_module(f"{__name__}.{name}")).TASK_TYPE
