"""What all tasks have in common; each type adds its own keys in `dagfactory/tasks/`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dagfactory.spec.alerts import TaskAlerts
from dagfactory.spec.common import Duration, PositiveDuration, PositiveInt, SpecModel, TaskId, Text

TriggerRule = Literal[
    "all_success",
    "all_failed",
    "all_done",
    "all_skipped",
    "one_failed",
    "one_success",
    "one_done",
    "none_failed",
    "none_failed_min_one_success",
    "none_skipped",
    "always",
]
"""The rules that Airflow 2.11 and 3.x share."""


class Retries(SpecModel):
    """How often and when a failed attempt is repeated; what is left out comes from `defaults`."""

    attempts: Annotated[int, Field(ge=0, le=20)] | None = Field(
        None, description="retries after the first try"
    )
    delay: Duration | None = Field(None, description="pause before the first retry, e.g. 5m")
    backoff: Literal["fixed", "exponential"] | None = Field(
        None, description="whether the pause stays or doubles with every retry"
    )
    max_delay: Duration | None = Field(None, description="the longest pause")


class TaskBase(SpecModel):
    """Keys of every task. A subclass sets `type: Literal["NAME"]` and adds its own."""

    nested: ClassVar[str | None] = None
    """Name of a field that holds tasks itself; validate() reads them one by one into it."""

    type: str = Field(description="what the task does")
    after: list[TaskId] = Field([], description="tasks that must have finished before")
    trigger_rule: TriggerRule | None = Field(
        None, description="which outcomes of the tasks before allow a start; all_success if absent"
    )
    retries: Retries | None = Field(None, description="how often and when a failure is repeated")
    timeout: PositiveDuration | None = Field(
        None, description="the longest an attempt may take, e.g. 2h"
    )
    pool: Text | None = Field(None, description="Airflow pool that limits how many run at once")
    pool_slots: PositiveInt | None = Field(None, description="slots of the pool the task takes")
    queue: Text | None = Field(None, description="Airflow worker queue")
    priority: int | None = Field(
        None, description="weight among waiting tasks; higher starts first"
    )
    alerts: TaskAlerts | None = Field(
        None, description="whom to tell what becomes of the task; what is absent is the pipeline's"
    )
    doc: Text | None = Field(None, description="Markdown shown with the task in Airflow")
