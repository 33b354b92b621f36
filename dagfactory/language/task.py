"""What all tasks have in common; each type adds its own keys in `dagfactory/tasks/`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from dagfactory.language.alerts import TaskAlerts
from dagfactory.language.assets import AssetName
from dagfactory.language.common import (
    Duration,
    PositiveDuration,
    PositiveInt,
    SpecModel,
    TaskId,
    Text,
)
from dagfactory.language.each import ForEach

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


class Retries(SpecModel, defer_build=False):
    """How often and when a failed attempt is repeated; what is left out comes from `defaults`."""

    attempts: Annotated[int, Field(ge=0, le=20)] | None = Field(
        None, description="retries after the first try"
    )
    delay: Duration | None = Field(None, description="pause before the first retry, e.g. 5m")
    backoff: Literal["fixed", "exponential"] | None = Field(
        None, description="whether the pause stays or doubles with every retry"
    )
    max_delay: Duration | None = Field(None, description="the longest pause")


class Teardown(SpecModel, defer_build=False):
    """What a task takes down again."""

    of: list[TaskId] = Field(
        description="the tasks that set it up", min_length=1, examples=[["create_cluster"]]
    )
    fails_run: bool = Field(
        default=False, description="whether the run fails when only the teardown has failed"
    )


def _listed(value: Any) -> Any:
    """Give the short forms, a task or a list of them, the shape of the model."""
    if isinstance(value, str | list):
        return {"of": [value] if isinstance(value, str) else value}
    return value


TeardownField = Annotated[
    Teardown, BeforeValidator(_listed, json_schema_input_type=Teardown | TaskId | list[TaskId])
]


class TaskBase(SpecModel):
    """Keys of every task. A subclass sets `type: Literal["NAME"]` and adds its own."""

    nested: ClassVar[str | None] = None
    """Name of a field that holds tasks itself; validate() reads them one by one into it."""

    unmapped: ClassVar[str | None] = None
    """What to do instead of `for_each`, for a type that cannot have it."""

    type: str = Field(description="what the task does", examples=["train"])
    after: list[TaskId] = Field([], description="tasks that must have finished before")
    trigger_rule: TriggerRule | None = Field(
        None, description="which outcomes of the tasks before allow a start; all_success if absent"
    )
    for_each: ForEach | None = Field(
        None,
        description="run once for each item of a list, which the task's texts call `${each}`",
        examples=[["red", "green"], "${params.colours}", "${tasks.find.result}"],
    )
    parallel: PositiveInt | None = Field(
        None, description="with `for_each`, how many of them run at the same time"
    )
    teardown: TeardownField | None = Field(
        None,
        description="the tasks that set up what this one takes down; it runs even after a failure",
        examples=["create_cluster", {"of": ["create_cluster"], "fails_run": True}],
    )
    outlets: list[AssetName] = Field(
        [],
        description="assets that the task updates; they start pipelines with such a `schedule`",
        examples=[["gs://bucket/images"]],
    )
    depends_on_past: bool | None = Field(
        None, description="wait until the task has succeeded in the run before"
    )
    wait_for_downstream: bool | None = Field(
        None, description="and until the tasks right after it have, too"
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

    def field(self, name: str) -> Any:
        """Return what the task says under a key that not every type has, or None."""
        return vars(self).get(name)  # getattr for what a model lacks is slow
