"""`empty`: do nothing; a name to branch to or to join at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.task_type import TaskType

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Empty(TaskBase):
    """Do nothing."""

    type: Literal["empty"]


def lower(task: Empty, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return an EmptyOperator."""
    arguments = operator_arguments(task, lowering, timeout=False)
    return context.operator(lowering.target.symbol("EmptyOperator"), arguments)


TASK_TYPE = TaskType(Empty, lower)
