"""`bigquery_to_gcs`: export a BigQuery table to Cloud Storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import operator_arguments
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = "airflow.providers.google.cloud.transfers.bigquery_to_gcs.BigQueryToGCSOperator"
FORMATS = {"avro": "AVRO", "csv": "CSV", "json": "NEWLINE_DELIMITED_JSON", "parquet": "PARQUET"}


class BigQueryToGcs(TaskBase):
    """Export a table; many files are written when the destination has a `*`."""

    type: Literal["bigquery_to_gcs"]
    source: str = Field(
        description="Table as `project.dataset.table`.",
        min_length=1,
        examples=["${env.project}.vqa.images"],
    )
    destination: Address = Field(
        description="Address of the files.", examples=["${run.dir}/raw/*.jsonl"]
    )
    format: Literal["avro", "csv", "json", "parquet"] = Field(
        default="avro", description="File format; json is one object a line."
    )
    compression: Literal["none", "gzip", "snappy", "deflate"] = Field(
        default="none", description="Compression of the files."
    )


def outputs(task: BigQueryToGcs, _context: TaskContext) -> dict[str, str]:
    """Offer the folder that the files are written to."""
    return {"uri": task.destination.rpartition("/")[0]}


def lower(task: BigQueryToGcs, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator, imported when the task runs (its import takes seconds)."""
    arguments: dict[str, Any] = {
        "source_project_dataset_table": task.source,
        "destination_cloud_storage_uris": [task.destination],
        "export_format": FORMATS[task.format],
        "compression": task.compression.upper(),
        "deferrable": True,
    }
    lazily = {"operator": OPERATOR, "arguments": arguments}
    symbol = lowering.runtime("lazy", "LazyOperator")
    return context.operator(symbol, lazily | operator_arguments(task, lowering))


def problems(
    task: BigQueryToGcs, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment."""
    yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(BigQueryToGcs, lower, outputs=outputs, problems=problems)
