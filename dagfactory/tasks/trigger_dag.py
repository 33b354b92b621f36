"""`trigger_dag`: start a run of another DAG, once per run of this one, and wait for it if asked to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import Duration, Text, bad
from dagfactory.language.job import Data
from dagfactory.language.task import TaskBase
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import given, lazy, poll
from dagfactory.tasks._names import DagId

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = "airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator"
"""Lazy too: its import brings Airflow's database models, a third of a second for every task start."""

RunState = Literal["success", "failed"]


class TriggerDag(TaskBase):
    """Start another DAG; a retry finds the run of the first attempt and does as `existing` says."""

    type: Literal["trigger_dag"]
    dag: DagId = Field(
        description="Id of the DAG: the `pipeline:` of its spec.", examples=["nightly_report"]
    )
    conf: dict[Text, Data] = Field(
        {},
        description="What the run gets: values for its `params`.",
        examples=[{"model": "${tasks.register.model}"}],
    )
    wait: bool = Field(default=False, description="Wait for the end of that run; costs no worker.")
    succeed_on: list[RunState] = Field(
        ["success"],
        description="Ends of that run with which the task succeeds, when it waits.",
        examples=[["success", "failed"]],
        min_length=1,
    )
    poll: Duration | None = Field(
        None, description="How often Airflow looks, when it waits; 60 s if absent.", examples=["5m"]
    )
    run_id: Text | None = Field(
        None,
        description="Id of the started run; made of this run's id if absent, so that a retry finds it.",
        examples=["report__{{ ds }}"],
    )
    logical_date: Text | None = Field(
        None, description="Logical date of the started run.", examples=["{{ logical_date }}"]
    )
    existing: Literal["rerun", "skip", "fail"] = Field(
        "rerun",
        description="When a run of that id is there: clear and run it again, skip, or fail.",
        examples=["skip"],
    )
    note: Text | None = Field(
        None,
        description="Note shown with the started run.",
        examples=["started by {{ dag.dag_id }}"],
    )

    @model_validator(mode="after")
    def _waiting(self) -> TriggerDag:
        for key in ("poll", "succeed_on"):
            if key in self.model_fields_set and not self.wait:
                raise bad(f"`{key}` needs `wait: true`", at=(key,))
        return self


def outputs(_task: TriggerDag, context: TaskContext) -> dict[str, str]:
    """Offer the id of the started run."""
    template = "{{ ti.xcom_pull(task_ids=" + repr(context.airflow_id) + ", key='trigger_run_id') }}"
    return {"run_id": template}


def lower(task: TriggerDag, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the standard operator, deferrable and imported when the task runs."""
    # of the run, so that a retry finds what it started; of the task, for two may start one DAG
    derived = f"{lowering.pipeline.pipeline}.{context.airflow_id}" + ".{{ " + context.once + " }}"
    arguments: dict[str, Any] = {
        "trigger_dag_id": task.dag,
        "trigger_run_id": task.run_id or derived,
        **given({"conf": task.conf, "logical_date": task.logical_date, "note": task.note}),
        **({"reset_dag_run": True} if task.existing == "rerun" else {}),
        **({"skip_when_already_exists": True} if task.existing == "skip" else {}),
        **(_wait(task, lowering) if task.wait else {}),
    }
    return lazy(task, lowering, context, OPERATOR, arguments)


def _wait(task: TriggerDag, lowering: LoweringContext) -> dict[str, Any]:
    return {
        "wait_for_completion": True,
        "deferrable": True,
        "allowed_states": list(task.succeed_on),
        "failed_states": [state for state in ("failed",) if state not in task.succeed_on],
        **poll(task.poll, lowering, "poke_interval"),
    }


def problems(
    task: TriggerDag, pipeline: Pipeline, _environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a pipeline that would start itself for ever."""
    if task.dag == pipeline.pipeline:
        message = f"`{task.dag}` would start itself, for ever"
        yield Diagnostic("DF203", message, Pointer(("dag",)), help="give it a `schedule:` instead")


TASK_TYPE = TaskType(TriggerDag, lower, outputs=outputs, problems=problems)
