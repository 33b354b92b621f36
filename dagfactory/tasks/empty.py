"""`empty`: do nothing; a name to branch to or to join at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import Place, Scope


class Empty(TaskBase):
    """Do nothing."""

    type: Literal["empty"]


MODEL = Empty


def lower(task: Empty, scope: Scope, place: Place) -> Operator:
    """Return an EmptyOperator."""
    arguments = operator_arguments(task, scope, timeout=False)
    return place.operator(scope.target.symbol("EmptyOperator"), arguments)
