"""`python`: call a function of the workers or of the project; it is imported when the task runs."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dagfactory.language.common import bad
from dagfactory.language.job import Data
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.own_code import code_argument
from dagfactory.task_api.task_type import TaskType

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

_CALLABLE = re.compile(r"([A-Za-z_]\w*\.)+[A-Za-z_]\w*", re.ASCII)


def dotted_name(value: str) -> str:
    """Accept `package.module.name`, refuse all else."""
    if not _CALLABLE.fullmatch(value) or any(map(keyword.iskeyword, value.split("."))):
        raise bad(f"`{value}` is not a dotted path", "write for example `my_team.report.write`")
    return value


DottedName = Annotated[str, AfterValidator(dotted_name)]


class Python(TaskBase):
    """Call a function; what it returns is the result."""

    type: Literal["python"]
    callable: DottedName = Field(
        description="Dotted path of a function: installed on the workers, or of the environment's `code`.",
        examples=["my_team.report.write"],
    )
    args: dict[str, Data] = Field(
        default_factory=dict,
        description="Keyword arguments.",
        examples=[{"limit": 100, "day": "{{ ds }}"}],
    )
    context: bool = Field(
        default=False,
        description="also pass what Airflow knows of the run, by the names of the function's parameters: "
        "`ti`, `ds`, `params` …; all of it where it takes `**kwargs`",
    )


def outputs(_task: Python, context: TaskContext) -> dict[str, str]:
    """Offer what the function returned."""
    return {"result": context.xcom()}


def lower(task: Python, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the operator that imports and calls the function when the task runs."""
    arguments: dict[str, Any] = {"function": task.callable}
    if task.args:
        arguments["arguments"] = task.args
    if task.context:
        arguments["with_context"] = True
    arguments |= code_argument(task.callable, lowering)
    symbol = lowering.runtime("call", "CallOperator")
    return context.operator(symbol, arguments | operator_arguments(task, lowering))


TASK_TYPE = TaskType(Python, lower, outputs=outputs)
