"""`group`: tasks that belong together, shown as one box in Airflow; groups nest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from dagfactory.kinds import kind_of
from dagfactory.lower.scope import Place
from dagfactory.module import Group as LoweredGroup
from dagfactory.spec.common import TaskId
from dagfactory.spec.task import TaskBase

if TYPE_CHECKING:
    from dagfactory.lower.scope import Scope


class Group(TaskBase):
    """Tasks in a box; `after` of the group holds for all of them."""

    nested: ClassVar[str | None] = "tasks"

    type: Literal["group"]
    tasks: dict[TaskId, SerializeAsAny[TaskBase]] = Field(description="the tasks by id")


MODEL = Group


def members(task: Group) -> Mapping[str, TaskBase]:
    """Return the tasks in the box."""
    return task.tasks


def roots(task: Group, place: Place) -> tuple[str, ...]:
    """Name the tasks inside that wait for no other task inside."""
    inside = set(task.tasks)
    first = [name for name, item in task.tasks.items() if not inside & set(item.after)]
    return tuple(
        airflow_id
        for name in first
        for airflow_id in kind_of(task.tasks[name].type).roots(
            task.tasks[name], Place(name, f"{place.airflow_id}.{name}", place.run_dir)
        )
    )


def lower(task: Group, _scope: Scope, place: Place) -> LoweredGroup:
    """Return the empty box; the tasks are put in when the whole plan is lowered."""
    return LoweredGroup(place.id, place.variable, (), tooltip=task.doc or "")
