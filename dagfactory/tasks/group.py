"""`group`: tasks that belong together, shown as one box in Airflow; groups nest.

One with `for_each` is written out before there are models (`compiler/resolve/groups.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, SerializeAsAny

from dagfactory.dagfile.model import Group as LoweredGroup
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import TaskId
from dagfactory.language.task import TaskBase
from dagfactory.task_api.task_type import TaskType

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Group(TaskBase):
    """Tasks in a box; `after` of the group holds for all of them."""

    nested: ClassVar[str | None] = "tasks"

    type: Literal["group"]
    tasks: dict[TaskId, SerializeAsAny[TaskBase]] = Field(
        description="the tasks by id",
        examples=[{"fetch": {"type": "bash", "command": "make data"}}],
    )


def members(task: Group) -> Mapping[str, TaskBase]:
    """Return the tasks in the box."""
    return task.tasks


def lower(task: Group, _lowering: LoweringContext, context: TaskContext) -> LoweredGroup:
    """Return the empty box; the tasks are put in when the whole plan is lowered."""
    return LoweredGroup(context.id, context.variable, (), tooltip=task.doc or "")


IDLE = (
    *("trigger_rule", "retries", "timeout", "pool", "pool_slots", "queue", "priority"),
    *("outlets", "depends_on_past", "wait_for_downstream", "alerts"),
)
"""Keys of a task that mean nothing for a box around tasks."""


def problems(
    task: Group, _pipeline: Pipeline, _environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find keys that only the tasks inside can have."""
    for key in IDLE:
        if key in task.model_fields_set:
            message = f"`{key}` has no effect on a group"
            help_ = "give it to the tasks inside"
            yield Diagnostic("DF214", message, Pointer((key,), key=True), help=help_)


TASK_TYPE = TaskType(Group, lower, members=members, problems=problems)
