"""`approval`: ask a person whether the tasks that follow may run; costs no worker while it waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from dagfactory.dagfile.targets import target
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import Text, missing
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import delta, operator_arguments
from dagfactory.task_api.task_type import TaskType

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = "ApprovalOperator"


class Approval(TaskBase):
    """Wait for a person's answer; what follows runs after `Approve` and is skipped after `Reject`."""

    unmapped: ClassVar[str | None] = "ask once, and give `for_each` to the tasks that follow"

    type: Literal["approval"]
    subject: Text = Field(
        description="The question, in one line.", examples=["Promote ${tasks.register.model}?"]
    )
    body: Text | None = Field(
        None,
        description="What a person has to know to answer it, in Markdown.",
        examples=["${tasks.better.reason}"],
    )
    default: Literal["approve", "reject"] | None = Field(
        None, description="The answer when `timeout` is up; without one the task fails then."
    )
    on_reject: Literal["skip", "fail"] = Field(
        "skip", description="Whether `Reject` skips what follows or fails the task."
    )

    @model_validator(mode="after")
    def _timed(self) -> Approval:
        if self.default and self.timeout is None:
            raise missing("timeout", "it says when the `default` counts")
        return self


def outputs(_task: Approval, context: TaskContext) -> dict[str, str]:
    """Offer who has answered."""
    return {"by": context.xcom("responded_by_user", "name")}


def lower(task: Approval, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return Airflow's own operator for approvals."""
    made: dict[str, Any] = {"subject": task.subject}
    if task.body:
        made["body"] = task.body
    if task.default:
        made["defaults"] = task.default.capitalize()
    if task.on_reject == "fail":
        made["fail_on_reject"] = True
    if task.timeout:
        made["response_timeout"] = delta(task.timeout)
    # who has not answered in time is not asked again, unless the spec says so
    again = {} if task.retries else {"retries": 0}
    # a time limit of the pipeline's defaults is one for work, not for people
    common = operator_arguments(task, lowering, timeout=False)
    return context.operator(lowering.target.symbol(OPERATOR), made | again | common)


def problems(
    _task: Approval, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find an Airflow that cannot ask."""
    line = target(environment.target) if environment else None
    if line and OPERATOR not in line.modules:
        yield Diagnostic(
            "DF229",
            f"Airflow {line.airflow} cannot wait for a person's answer",
            Pointer(("type",)),
            help="approvals came with Airflow 3.1: use `target: airflow3`, or split the pipeline in two"
            " and start the second one by hand",
        )


TASK_TYPE = TaskType(Approval, lower, outputs=outputs, problems=problems)
