"""`bigquery`: run SQL in BigQuery, its result into a table; the worker is free while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from dagfactory.language.common import Duration, KmsKey, ParamName, Project, SpecModel, Text, bad
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._bigquery import (
    CREATE,
    WRITE,
    Bytes,
    Columns,
    CreateDisposition,
    Partition,
    SchemaUpdate,
    Table,
    WriteDisposition,
    partition,
    table_reference,
)
from dagfactory.tasks._google import (
    GoogleTask,
    Labels,
    credentials,
    given,
    labels,
    lazy,
    poll,
    project,
    seconds,
)

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = "airflow.providers.google.cloud.operators.bigquery.BigQueryInsertJobOperator"
OF_A_TABLE = (
    "write_disposition",
    "create_disposition",
    "partition",
    "clustering",
    "schema_update",
    "kms_key",
)
"""Keys that say how the destination is written."""


def _sql(text: str) -> str:
    if text.strip().endswith(".sql") and not text.strip().count(" "):
        raise bad(f"`{text.strip()}` is the name of a file", "write the SQL itself: `query: |`")
    return text


class Typed(SpecModel):
    """A query parameter whose type its value does not show."""

    type: Literal[
        "STRING", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL", "DATE", "TIME", "DATETIME",
        "TIMESTAMP", "BYTES", "JSON",
    ] = Field(description="BigQuery type.", examples=["DATE"])  # fmt: skip
    value: str | int | float | bool | None = Field(
        description="Value; null is NULL.", examples=["{{ ds }}", "{{ params.limit }}"]
    )


Plain: TypeAlias = bool | int | float | str
Parameter: TypeAlias = Plain | list[Plain] | Typed


class BigQuery(GoogleTask):
    """Run a query, a statement or a script; a query's rows go to `destination` when there is one."""

    type: Literal["bigquery"]
    query: Annotated[Text, AfterValidator(_sql)] = Field(
        description="GoogleSQL; `{{ ds }}` and other templates of Airflow work.",
        examples=["SELECT * FROM `${env.project}.raw.images` WHERE date = @day"],
    )
    parameters: dict[ParamName, Parameter] = Field(
        {},
        description="Values of the query's `@name`s: they are data and cannot change the query.",
        examples=[{"limit": 100, "day": {"type": "DATE", "value": "{{ ds }}"}}],
    )
    destination: Table | None = Field(None, description="Table for the rows.")
    write_disposition: WriteDisposition = Field(
        "truncate",
        description="What becomes of rows that are there; a retry of `append` can double rows.",
        examples=["append"],
    )
    create_disposition: CreateDisposition = Field(
        "if_needed", description="Whether a missing table is made.", examples=["never"]
    )
    partition: Partition | None = Field(
        None,
        description="Partitions of the destination.",
        examples=[{"field": "date", "by": "day"}],
    )
    clustering: Columns | None = Field(
        None, description="Columns to sort the destination by, at most 4.", examples=[["split"]]
    )
    schema_update: list[SchemaUpdate] = Field(
        [],
        description="How an `append` may change the schema.",
        examples=[["allow_field_addition"]],
    )
    dataset: Text | None = Field(
        None,
        description="Dataset of tables that the query names without one.",
        examples=["my-project.features"],
    )
    max_bytes_billed: Bytes | None = Field(
        None, description="The query fails, free of charge, when it would read more."
    )
    cache: bool = Field(default=True, description="Whether a cached result will do.")
    batch: bool = Field(
        default=False, description="Wait for idle slots: the query may start later."
    )
    location: Text | None = Field(
        None,
        description="Where the data lies; needed outside US and EU.",
        examples=["europe-west4"],
    )
    project: Project | None = Field(
        None, description="Project that pays; the environment's if absent.", examples=["my-billing"]
    )
    labels: Labels = Field({}, description="Labels of the job.", examples=[{"cost_center": "ml"}])
    kms_key: KmsKey | None = Field(None, description="Cloud KMS key of the destination.")
    poll: Duration | None = Field(
        None, description="How often Airflow asks for the state; 4 s if absent.", examples=["10s"]
    )

    @model_validator(mode="after")
    def _needs_destination(self) -> BigQuery:
        for key in OF_A_TABLE:
            if self.destination is None and key in self.model_fields_set:
                raise bad(f"`{key}` is about a table", "add `destination:`", (key,))
        if self.schema_update and self.write_disposition == "empty":
            raise bad("`schema_update` needs rows to add to", at=("schema_update",))
        if self.dataset is not None and not 1 <= len(self.dataset.split(".")) <= 2:  # noqa: PLR2004 - project.dataset
            raise bad(f"`{self.dataset}` is not a dataset", "write `project.dataset`", ("dataset",))
        return self


def outputs(task: BigQuery, context: TaskContext) -> dict[str, str]:
    """Offer the id of the job and, with a destination, the table (as text and as Vertex AI's address)."""
    made = {"job": context.xcom()}
    if task.destination is None:
        return made
    return made | {"table": task.destination, "uri": f"bq://{task.destination}"}


def lower(task: BigQuery, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator, deferrable and imported when the task runs."""
    arguments = {
        "configuration": _configuration(task, lowering),
        **project(task.project, lowering),
        **given({"location": task.location}),
        "deferrable": True,
        **poll(task.poll, lowering, "poll_interval"),
        **credentials(task),
    }
    return lazy(task, lowering, context, OPERATOR, arguments)


def _configuration(task: BigQuery, lowering: LoweringContext) -> dict[str, Any]:
    """Return the JobConfiguration; the job ends itself when the task's time is over."""
    limit = seconds(task, lowering)
    return {
        "query": _query(task) | (_destination(task) if task.destination else {}),
        **given(
            {
                "labels": labels(task.labels, lowering),
                "jobTimeoutMs": str(limit * 1000) if limit else None,
            }
        ),
    }


def _query(task: BigQuery) -> dict[str, Any]:
    """Return the JobConfigurationQuery without its destination."""
    made: dict[str, Any] = {"query": task.query, "useLegacySql": False}
    if task.parameters:
        made["parameterMode"] = "NAMED"
        made["queryParameters"] = [
            {"name": name, **_parameter(value)} for name, value in task.parameters.items()
        ]
    if task.dataset:
        parts = reversed(task.dataset.split("."))
        made["defaultDataset"] = dict(zip(("datasetId", "projectId"), parts, strict=False))
    if task.max_bytes_billed is not None:
        made["maximumBytesBilled"] = str(task.max_bytes_billed)
    if not task.cache:
        made["useQueryCache"] = False
    return made | ({"priority": "BATCH"} if task.batch else {})


def _destination(task: BigQuery) -> dict[str, Any]:
    """Return where the rows go."""
    made: dict[str, Any] = {
        "destinationTable": table_reference(task.destination or ""),
        "writeDisposition": WRITE[task.write_disposition],
        "createDisposition": CREATE[task.create_disposition],
        **partition(task.partition),
    }
    if task.clustering:
        made["clustering"] = {"fields": list(task.clustering)}
    if task.schema_update:
        made["schemaUpdateOptions"] = [each.upper() for each in task.schema_update]
    if task.kms_key:
        made["destinationEncryptionConfiguration"] = {"kmsKeyName": task.kms_key}
    return made


def _parameter(value: Parameter) -> dict[str, Any]:
    """Return type and value of a QueryParameter; an empty list counts as one of texts."""
    if isinstance(value, list):
        kind = _type_of(value[0]) if value else "STRING"
        values = [{"value": _text(each)} for each in value]
        return {
            "parameterType": {"type": "ARRAY", "arrayType": {"type": kind}},
            "parameterValue": {"arrayValues": values},
        }
    if isinstance(value, Typed):
        kind, plain = value.type, value.value
    else:
        kind, plain = _type_of(value), value
    known = {"value": None if plain is None else _text(plain)}
    return {"parameterType": {"type": kind}, "parameterValue": known}


def _type_of(value: Plain) -> str:
    names = {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING"}
    return names[type(value)]


def _text(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def problems(
    task: BigQuery, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment, unless the task names its own project."""
    if task.project is None:
        yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(BigQuery, lower, outputs=outputs, problems=problems)
