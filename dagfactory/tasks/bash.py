"""`bash`: run a shell command on an Airflow worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.common import Text
from dagfactory.language.job import VariableName
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.task_type import TaskType

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext


class Bash(TaskBase):
    """Run a command; its last line of output is the result."""

    type: Literal["bash"]
    command: Text = Field(description="Command for bash.", examples=["echo {{ ds }}"])
    env: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Environment variables, added to the worker's.",
        examples=[{"LIMIT": "100"}],
    )
    cwd: str | None = Field(default=None, description="Directory to run in.")


def outputs(_task: Bash, context: TaskContext) -> dict[str, str]:
    """Offer the last line of the command's output."""
    return {"result": context.xcom()}


def lower(task: Bash, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return a BashOperator."""
    command = task.command
    if command.endswith((".sh", ".bash")):
        command += " "  # Airflow would read a command that ends so as the name of a template file
    arguments: dict[str, Any] = {"bash_command": command}
    if task.env:
        arguments["env"] = dict(task.env)
        arguments["append_env"] = True
    if task.cwd:
        arguments["cwd"] = task.cwd
    symbol = lowering.target.symbol("BashOperator")
    return context.operator(symbol, arguments | operator_arguments(task, lowering))


TASK_TYPE = TaskType(Bash, lower, outputs=outputs)
