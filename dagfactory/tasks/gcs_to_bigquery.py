"""`gcs_to_bigquery`: load files from Cloud Storage into a table, or put an external table over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import KmsKey, Project, SpecModel, Text, bad
from dagfactory.language.job import Data
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address, Addresses, location, other_bucket
from dagfactory.tasks._bigquery import (
    CREATE,
    WRITE,
    Columns,
    CreateDisposition,
    Partition,
    SchemaUpdate,
    Table,
    WriteDisposition,
    partition,
)
from dagfactory.tasks._google import (
    GoogleTask,
    Labels,
    credentials,
    given,
    labels,
    lazy,
    project,
)

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = "airflow.providers.google.cloud.transfers.gcs_to_bigquery.GCSToBigQueryOperator"
FORMATS = {
    "avro": "AVRO",
    "csv": "CSV",
    "json": "NEWLINE_DELIMITED_JSON",
    "orc": "ORC",
    "parquet": "PARQUET",
}
WITHOUT_TYPES = ("csv", "json")
"""Formats that do not carry their schema."""


class Column(SpecModel):
    """One column of a schema."""

    name: Text = Field(description="Name.", examples=["image_id"])
    type: Text = Field(description="BigQuery type.", examples=["STRING", "INT64", "RECORD"])
    mode: Literal["nullable", "required", "repeated"] = Field(
        "nullable", description="Whether it may be empty, or holds a list."
    )
    description: Text | None = Field(
        None, description="What it means.", examples=["Key of an image."]
    )
    fields: list[Column] = Field([], description="Columns of a RECORD.")


class Csv(SpecModel):
    """How CSV files are written."""

    delimiter: Text = Field(",", description="Between columns.", examples=["|"])
    header_rows: int | None = Field(
        None, ge=0, description="Rows to skip at the top; found out if absent.", examples=[1]
    )
    quote: str | None = Field(None, description='Around texts; `"` if absent.', examples=["'"])
    newlines_in_quotes: bool = Field(default=False, description="Texts may hold line breaks.")
    short_rows: bool = Field(default=False, description="Rows may lack their last columns.")
    encoding: Literal["UTF-8", "ISO-8859-1", "UTF-16BE", "UTF-16LE", "UTF-32BE", "UTF-32LE"] = (
        Field("UTF-8", description="Encoding of characters.")
    )


class GcsToBigQuery(GoogleTask):
    """Load files into a table; with the default disposition a retry leaves one copy of each row."""

    type: Literal["gcs_to_bigquery"]
    source: Addresses = Field(
        description="Addresses of the files, all in one bucket; each may hold one `*`.",
        examples=["${tasks.predict.uri}/prediction.results-*"],
    )
    destination: Table = Field(description="Table to load into.")
    format: Literal["avro", "csv", "json", "orc", "parquet"] = Field(
        "avro", description="File format; json is one object a line.", examples=["parquet"]
    )
    columns: list[Column] | None = Field(
        None,
        alias="schema",
        description="Columns of the table; found out from the files if absent.",
        examples=[[{"name": "image_id", "type": "STRING", "mode": "required"}]],
        min_length=1,
    )
    schema_file: Address | None = Field(
        None,
        description="Address of a JSON file with the columns.",
        examples=["gs://my-ml/images.json"],
    )
    write_disposition: WriteDisposition = Field(
        "truncate",
        description="What becomes of rows that are there; a retry of `append` can double rows.",
        examples=["append"],
    )
    create_disposition: CreateDisposition = Field(
        "if_needed", description="Whether a missing table is made.", examples=["never"]
    )
    schema_update: list[SchemaUpdate] = Field(
        [],
        description="How an `append` may change the schema.",
        examples=[["allow_field_addition"]],
    )
    partition: Partition | None = Field(
        None, description="Partitions of the table.", examples=[{"field": "date", "by": "day"}]
    )
    clustering: Columns | None = Field(
        None, description="Columns to sort the table by, at most 4.", examples=[["split"]]
    )
    csv: Csv | None = Field(
        None, description="How the CSV files are written.", examples=[{"delimiter": "|"}]
    )
    compression: Literal["none", "gzip"] = Field(
        "none", description="Compression of CSV and JSON files."
    )
    max_bad_records: int = Field(0, ge=0, description="Rows that may be unreadable.", examples=[10])
    ignore_unknown_values: bool = Field(
        default=False, description="Drop values that the schema does not know, instead of failing."
    )
    external: bool = Field(
        default=False, description="Leave the files where they are and query them as a table."
    )
    max_value_of: Text | None = Field(
        None, description="Column whose largest value is offered afterwards.", examples=["id"]
    )
    extra: dict[str, Data] = Field(
        {},
        description="Further fields of BigQuery's JobConfigurationLoad, e.g. hive partitioning.",
        examples=[{"parquetOptions": {"enableListInference": True}}],
    )
    location: Text | None = Field(
        None,
        description="Where the data lies; needed outside US and EU.",
        examples=["europe-west4"],
    )
    project: Project | None = Field(
        None,
        description="Project that runs the job; the environment's if absent.",
        examples=["my-data"],
    )
    description: Text | None = Field(
        None, description="Description of a new table.", examples=["Images."]
    )
    labels: Labels = Field({}, description="Labels of the table.", examples=[{"data": "images"}])
    kms_key: KmsKey | None = Field(None, description="Cloud KMS key of the table.")

    @model_validator(mode="after")
    def _consistent(self) -> GcsToBigQuery:
        if self.columns is not None and self.schema_file is not None:
            raise bad("`schema` and `schema_file` exclude each other", "keep one", ("schema_file",))
        if self.csv is not None and self.format != "csv":
            raise bad(f"`csv` says nothing about {self.format} files", "delete it", ("csv",))
        if self.compression != "none" and self.format not in WITHOUT_TYPES:
            remedy = f"{self.format} files say themselves how they are compressed: delete it"
            raise bad("`compression` is for csv and json", remedy, ("compression",))
        if self.external and self.clustering:
            raise bad("an external table cannot be clustered", at=("clustering",))
        return self


def outputs(task: GcsToBigQuery, context: TaskContext) -> dict[str, str]:
    """Offer the table as text and as Vertex AI's address, and the largest value if asked for."""
    made = {"table": task.destination, "uri": f"bq://{task.destination}"}
    return made | ({"max_value": context.xcom()} if task.max_value_of else {})


def lower(task: GcsToBigQuery, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator, deferrable and imported when the task runs."""
    files = [location(each, lowering) for each in task.source]
    arguments = {
        "bucket": files[0].bucket,
        "source_objects": [each.name for each in files],
        "destination_project_dataset_table": task.destination,
        "source_format": FORMATS[task.format],
        **_schema(task, lowering),
        "write_disposition": WRITE[task.write_disposition],
        "create_disposition": CREATE[task.create_disposition],
        **_optional(task, lowering),
        **project(task.project, lowering),
        "deferrable": True,
        **credentials(task),
    }
    return lazy(task, lowering, context, OPERATOR, arguments)


def _schema(task: GcsToBigQuery, lowering: LoweringContext) -> dict[str, Any]:
    """Return the columns, or where they are read, or that they are found out."""
    if task.columns:
        return {"schema_fields": [_column(each) for each in task.columns], "autodetect": False}
    if task.schema_file:
        found = location(task.schema_file, lowering)
        names = {"schema_object_bucket": found.bucket, "schema_object": found.name}
        return {**names, "autodetect": False}
    return {"autodetect": True}


def _column(column: Column) -> dict[str, Any]:
    """Return a TableFieldSchema."""
    return given(
        {
            "name": column.name,
            "type": column.type,
            "mode": column.mode.upper(),
            "description": column.description,
            "fields": [_column(each) for each in column.fields],
        }
    )


def _optional(task: GcsToBigQuery, lowering: LoweringContext) -> dict[str, Any]:
    """Return the arguments of keys that are set."""
    cut = partition(task.partition)
    return _csv(task.csv) | given(
        {
            "compression": task.compression.upper() if task.compression != "none" else None,
            "max_bad_records": task.max_bad_records or None,
            "ignore_unknown_values": task.ignore_unknown_values or None,
            "schema_update_options": [each.upper() for each in task.schema_update],
            "time_partitioning": cut.get("timePartitioning"),
            "range_partitioning": cut.get("rangePartitioning"),
            "cluster_fields": list(task.clustering or ()),
            "external_table": task.external or None,
            "max_id_key": task.max_value_of,
            "extra_config": task.extra,
            "location": task.location,
            "labels": labels(task.labels, lowering),
            "description": task.description,
            "encryption_configuration": {"kmsKeyName": task.kms_key} if task.kms_key else None,
        }
    )


def _csv(form: Csv | None) -> dict[str, Any]:
    """Return the arguments about CSV, defaults left out."""
    if form is None:
        return {}
    return given(
        {
            "field_delimiter": form.delimiter,
            "skip_leading_rows": form.header_rows,
            "quote_character": form.quote,
            "allow_quoted_newlines": form.newlines_in_quotes or None,
            "allow_jagged_rows": form.short_rows or None,
            "encoding": form.encoding,
        }
    )


def problems(
    task: GcsToBigQuery, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment, and files in more than one bucket."""
    if task.project is None:
        yield from cloud_problems(task, environment)
    index = other_bucket(task.source)
    if index is not None:
        help_ = "load each bucket in a task of its own"
        yield Diagnostic(
            "DF123", "the files lie in different buckets", Pointer(("source", index)), help=help_
        )


TASK_TYPE = TaskType(GcsToBigQuery, lower, outputs=outputs, problems=problems)
