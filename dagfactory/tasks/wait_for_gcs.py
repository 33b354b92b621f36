"""`wait_for_gcs`: wait for an object, for anything below a prefix, or for an update; costs no worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.language.common import bad, missing
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address, location
from dagfactory.tasks._google import GoogleTask, credentials, lazy
from dagfactory.tasks._waits import WaitingTask, waiting

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

SENSORS = "airflow.providers.google.cloud.sensors.gcs."
CLASSES = {
    "object": "GCSObjectExistenceSensor",
    "prefix": "GCSObjectsWithPrefixExistenceSensor",
    "updated": "GCSObjectUpdateSensor",
}


class WaitForGcs(GoogleTask, WaitingTask):
    """Wait until something is there; when `timeout` is over the task fails without a retry."""

    type: Literal["wait_for_gcs"]
    object: Address | None = Field(
        None,
        description="Object that has to be there; with `*`, any that matches.",
        examples=["gs://my-data/exports/{{ ds }}/_SUCCESS"],
    )
    prefix: Address | None = Field(
        None,
        description="Beginning of an address below which there has to be any object.",
        examples=["gs://my-data/exports/{{ ds }}/"],
    )
    updated: Address | None = Field(
        None,
        description="Object that has to be written after the end of the run's data interval.",
        examples=["gs://my-data/labels.jsonl"],
    )

    @model_validator(mode="after")
    def _one(self) -> WaitForGcs:
        given = [key for key in CLASSES if getattr(self, key) is not None]
        if not given:
            raise missing("object", "or `prefix`, or `updated`: what is waited for")
        if len(given) > 1:
            raise bad(f"`{given[0]}` and `{given[1]}` exclude each other", "keep one", (given[1],))
        return self


def _wanted(task: WaitForGcs) -> tuple[str, str]:
    """Return which kind of waiting it is, and for which address."""
    return next((key, getattr(task, key)) for key in CLASSES if getattr(task, key) is not None)


def outputs(task: WaitForGcs, context: TaskContext) -> dict[str, str]:
    """Offer the address and, for a prefix, the list of objects that were found."""
    kind, address = _wanted(task)
    return {"uri": address} | ({"objects": context.xcom()} if kind == "prefix" else {})


def lower(task: WaitForGcs, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's sensor, deferrable and imported when the task runs."""
    kind, address = _wanted(task)
    found = location(address, lowering)
    arguments: dict[str, Any] = {
        "bucket": found.bucket,
        "prefix" if kind == "prefix" else "object": found.name,
        **({"use_glob": True} if kind == "object" and "*" in address else {}),
        **waiting(task, lowering),
        **credentials(task, "google_cloud_conn_id"),
    }
    return lazy(task, lowering, context, SENSORS + CLASSES[kind], arguments, timeout=False)


TASK_TYPE = TaskType(WaitForGcs, lower, outputs=outputs)
