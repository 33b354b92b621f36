"""What the tasks on Google Cloud share: credentials, labels, and the lazy stand-in for an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from dagfactory.language.common import LabelText, Text, bad
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments

if TYPE_CHECKING:
    from datetime import timedelta

    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

_MAX_LABELS = 64


def _few(labels: dict[str, str]) -> dict[str, str]:
    if len(labels) > _MAX_LABELS:
        raise bad(f"{len(labels)} labels are more than Google Cloud's {_MAX_LABELS}")
    return labels


Labels = Annotated[dict[LabelText, LabelText], AfterValidator(_few)]


class GoogleTask(TaskBase):
    """Keys of every task that calls Google Cloud through the provider."""

    connection: Text | None = Field(
        None,
        description="Airflow connection; `google_cloud_default` if absent.",
        examples=["google_cloud_ml"],
    )
    impersonate: list[Text] = Field(
        [],
        description="Service accounts to act as, each granting the one before it the right to.",
        examples=[["loader@my-project.iam.gserviceaccount.com"]],
    )


def credentials(task: GoogleTask, connection: str = "gcp_conn_id") -> dict[str, Any]:
    """Return the operator arguments of a task's credentials; `connection` is the operator's name for it."""
    made: dict[str, Any] = {connection: task.connection} if task.connection else {}
    return made | ({"impersonation_chain": list(task.impersonate)} if task.impersonate else {})


def labels(own: dict[str, str], lowering: LoweringContext) -> dict[str, str]:
    """Return the environment's labels with a task's own on top."""
    return {**(lowering.environment.labels if lowering.environment else {}), **own}


def project(own: str | None, lowering: LoweringContext) -> dict[str, str]:
    """Return `project_id`: the task's own, else the environment's; empty when there is neither."""
    found = own or (lowering.environment.project if lowering.environment else None)
    return {"project_id": found} if found else {}


def seconds(task: TaskBase, lowering: LoweringContext) -> int | None:
    """Return the longest an attempt may take, from the task or the pipeline's defaults."""
    limit = task.timeout or lowering.pipeline.defaults.timeout
    return int(limit.total_seconds()) if limit else None


def poll(own: timedelta | None, lowering: LoweringContext, name: str) -> dict[str, int]:
    """Return how often the operator asks for the state, in seconds, under its own `name` for it."""
    found = own or lowering.pipeline.defaults.poll
    return {name: max(1, int(found.total_seconds()))} if found else {}


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is absent or empty, so that the service's own default holds; keeps 0 and false."""
    return {
        key: value for key, value in values.items() if value is not None and value not in ([], {})
    }


def lazy(  # noqa: PLR0913 - what a stand-in is made of
    task: TaskBase,
    lowering: LoweringContext,
    context: TaskContext,
    operator: str,
    arguments: dict[str, Any],
    *,
    timeout: bool = True,
) -> Operator:
    """Return the operator that imports the real one when the task runs: its import takes seconds."""
    lazily = {"operator": operator, "arguments": arguments}
    common = operator_arguments(task, lowering, timeout=timeout)
    return context.operator(lowering.runtime("lazy", "LazyOperator"), lazily | common)
