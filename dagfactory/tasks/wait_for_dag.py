"""`wait_for_dag`: wait for the run of another DAG, or for tasks of it; costs no worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import PositiveDuration, Text, bad, listed
from dagfactory.task_api.arguments import delta
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import given, lazy
from dagfactory.tasks._names import DagId
from dagfactory.tasks._waits import WaitingTask, waiting

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

SENSOR = "airflow.providers.standard.sensors.external_task.ExternalTaskSensor"
_FAILED = ("failed", "upstream_failed")


Names = Annotated[list[Text], BeforeValidator(listed, json_schema_input_type=Text | list[Text])]
State = Literal["success", "failed", "skipped"]


class WaitForDag(WaitingTask):
    """Wait until another DAG, or some of its tasks, have run for the same logical date.

    A failure over there is a failure here; when `timeout` is over the task fails without a retry.
    """

    type: Literal["wait_for_dag"]
    dag: DagId = Field(
        description="Id of the DAG: the `pipeline:` of its spec.", examples=["nightly_export"]
    )
    task: Names = Field(
        [],
        description="A task of it, or several, with their groups; the whole run if absent.",
        examples=["export.images", ["export.images", "export.words"]],
    )
    group: Text | None = Field(None, description="A task group of it instead.", examples=["export"])
    offset: PositiveDuration | None = Field(
        None,
        description="How much earlier its logical date is than that of this run.",
        examples=["1h"],
    )
    succeed_on: list[State] = Field(
        ["success"],
        description="Ends of it with which the task succeeds.",
        examples=[["success", "skipped"]],
        min_length=1,
    )

    @model_validator(mode="after")
    def _one(self) -> WaitForDag:
        if self.task and self.group:
            raise bad("`task` and `group` exclude each other", "keep one", ("group",))
        return self


def lower(task: WaitForDag, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the standard sensor, deferrable and imported when the task runs."""
    parts = bool(task.task or task.group)
    failed = _FAILED if parts else _FAILED[:1]  # a whole run is never `upstream_failed`
    arguments: dict[str, Any] = {
        "external_dag_id": task.dag,
        **given({"external_task_ids": task.task, "external_task_group_id": task.group}),
        **({"execution_delta": delta(task.offset)} if task.offset else {}),
        "allowed_states": list(task.succeed_on),
        "failed_states": [] if "failed" in task.succeed_on else list(failed),
        **waiting(task, lowering),
    }
    return lazy(task, lowering, context, SENSOR, arguments, timeout=False)


def problems(
    task: WaitForDag, pipeline: Pipeline, _environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a pipeline that waits for its own run, which cannot end before."""
    if task.dag == pipeline.pipeline and task.offset is None and not (task.task or task.group):
        message = f"`{task.dag}` would wait for the end of itself"
        yield Diagnostic(
            "DF203", message, Pointer(("dag",)), help="add `offset:` for its run before this one"
        )


TASK_TYPE = TaskType(WaitForDag, lower, problems=problems)
