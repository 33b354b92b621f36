"""What stands for a task with mistakes, so that the tasks around it are looked at; no spec can name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

from pydantic import Field, SerializeAsAny

from dagfactory.language.common import TaskId
from dagfactory.language.task import TaskBase
from dagfactory.task_api.task_type import Branch, TaskType

if TYPE_CHECKING:
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Hole(TaskBase):
    """A task of which only is known what it waits for, leads to and holds."""

    nested: ClassVar[str | None] = "tasks"

    type: Literal["_hole"] = "_hole"
    then: list[TaskId] = Field([], description="tasks that it leads to")
    otherwise: list[TaskId] = Field([], alias="else", description="tasks that it leads to as well")
    tasks: dict[str, SerializeAsAny[TaskBase]] = Field({}, description="the tasks inside")
    settled: bool = Field(default=True, description="whether it names no other task than these")


def branches(task: Hole) -> Iterator[Branch]:
    """Yield the tasks that it leads to."""
    for key, side in (("then", task.then), ("else", task.otherwise)):
        for index, name in enumerate(side):
            yield (key, index), name


def members(task: Hole) -> Mapping[str, TaskBase]:
    """Return the tasks inside."""
    return task.tasks


def lower(task: Hole, _lowering: LoweringContext, context: TaskContext) -> NoReturn:
    """Refuse: what has mistakes is never rendered."""
    raise TypeError(f"{context.id} has mistakes: {task!r}")


TASK_TYPE = TaskType(Hole, lower, branches=branches, members=members)
