"""`empty`: do nothing; a name to branch to or to join at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dagfactory.lower.common import operator_arguments
from dagfactory.spec.task import TaskBase

if TYPE_CHECKING:
    from dagfactory.lower.scope import Place, Scope
    from dagfactory.module import Operator


class Empty(TaskBase):
    """Do nothing."""

    type: Literal["empty"]


MODEL = Empty


def lower(task: Empty, scope: Scope, place: Place) -> Operator:
    """Return an EmptyOperator."""
    arguments = operator_arguments(task, scope, timeout=False)
    return place.operator(scope.target.symbol("EmptyOperator"), arguments)
