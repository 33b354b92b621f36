"""`wait_for_bigquery`: wait for a table, or for a partition of it; costs no worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.common import Text
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._bigquery import Table, table_reference
from dagfactory.tasks._google import GoogleTask, credentials, lazy
from dagfactory.tasks._waits import WaitingTask, waiting

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

SENSORS = "airflow.providers.google.cloud.sensors.bigquery."


class WaitForBigquery(GoogleTask, WaitingTask):
    """Wait until the table or partition is there; when `timeout` is over the task fails for good."""

    type: Literal["wait_for_bigquery"]
    table: Table = Field(description="Table that has to be there.")
    partition: Text | None = Field(
        None,
        description="Partition that it has to have.",
        examples=["{{ ds_nodash }}", "{{ data_interval_start.strftime('%Y%m%d%H') }}"],
    )


def outputs(task: WaitForBigquery, _context: TaskContext) -> dict[str, str]:
    """Offer the table."""
    return {"table": task.table}


def lower(task: WaitForBigquery, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's sensor, deferrable and imported when the task runs."""
    wanted = table_reference(task.table)
    arguments: dict[str, Any] = {
        "project_id": wanted["projectId"],
        "dataset_id": wanted["datasetId"],
        "table_id": wanted["tableId"],
        **({"partition_id": task.partition} if task.partition else {}),
        **waiting(task, lowering),
        **credentials(task),
    }
    name = (
        "BigQueryTablePartitionExistenceSensor"
        if task.partition
        else "BigQueryTableExistenceSensor"
    )
    return lazy(task, lowering, context, SENSORS + name, arguments, timeout=False)


TASK_TYPE = TaskType(WaitForBigquery, lower, outputs=outputs)
