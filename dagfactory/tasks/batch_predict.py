"""`batch_predict`: predictions of a registered model for many instances, on Vertex AI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import (
    Duration,
    KmsKey,
    Project,
    Region,
    SpecModel,
    Text,
    bad,
    listed,
)
from dagfactory.language.job import Accelerator, Data
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import (
    GoogleTask,
    Labels,
    credentials,
    given,
    labels,
    lazy,
    poll,
)

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = (
    "airflow.providers.google.cloud.operators.vertex_ai.batch_prediction_job"
    ".CreateBatchPredictionJobOperator"
)
TABLE = "bq://"


def _place(text: str) -> str:
    if text.startswith(("gs://", TABLE, "${", "{{")):
        return text
    raise bad(
        f"`{shorten(text)}` is neither files nor a table",
        "write `gs://bucket/folder/*.jsonl` or `bq://project.dataset.table`",
    )


Where = Annotated[str, AfterValidator(_place)]
Sources = Annotated[
    list[Where],
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(min_length=1),
]


class PredictionMachine(SpecModel):
    """The machines that predict; Vertex AI chooses them for AutoML models."""

    type: Text = Field("n1-standard-4", description="Machine type.", examples=["g2-standard-8"])
    accelerator: Accelerator | None = Field(
        None, description="GPUs of each machine.", examples=[{"type": "NVIDIA_L4", "count": 1}]
    )
    replicas: int | None = Field(None, ge=1, description="Machines at the start.", examples=[2])
    max_replicas: int | None = Field(
        None, ge=1, description="Most machines; 10 if absent.", examples=[20]
    )

    @model_validator(mode="after")
    def _ordered(self) -> PredictionMachine:
        if self.replicas and self.max_replicas and self.max_replicas < self.replicas:
            raise bad("`max_replicas` is smaller than `replicas`", at=("max_replicas",))
        return self


class BatchPredict(GoogleTask):
    """Predict in bulk, from files or a table into files or a table."""

    type: Literal["batch_predict"]
    model: Text = Field(
        description="Resource name of a registered model, with or without its version.",
        examples=["${tasks.register.model}"],
    )
    source: Sources = Field(
        description="Instances: addresses of files (`*` works), or one `bq://` table.",
        examples=["${run.dir}/instances/*.jsonl", "bq://my-project.features.images"],
    )
    destination: Where | None = Field(
        None,
        description="Folder, dataset or table for the predictions; the task's folder if absent.",
        examples=["gs://my-ml/predictions", "bq://my-project.predictions"],
    )
    instances_format: Literal["jsonl", "csv", "tf-record", "tf-record-gzip", "file-list"] = Field(
        "jsonl", description="Format of the files.", examples=["csv"]
    )
    predictions_format: Literal["jsonl", "csv"] = Field(
        "jsonl", description="Format of the predictions' files.", examples=["csv"]
    )
    parameters: dict[Text, Data] = Field(
        {}, description="Parameters that the model takes.", examples=[{"confidence_threshold": 0.5}]
    )
    machine: PredictionMachine | None = Field(
        PredictionMachine(),
        description="Machines; null leaves the choice to Vertex AI (AutoML models).",
        examples=[{"type": "g2-standard-8", "max_replicas": 4}],
    )
    batch_size: int | None = Field(
        None, ge=1, description="Instances sent to a machine at once; 64 if absent.", examples=[16]
    )
    explain: bool = Field(default=False, description="Add feature attributions.")
    name: Text | None = Field(
        None, description="Display name; pipeline and task if absent.", examples=["nightly"]
    )
    labels: Labels = Field({}, description="Labels of the job.", examples=[{"cost_center": "ml"}])
    kms_key: KmsKey | None = Field(None, description="Cloud KMS key of the job's data.")
    region: Region | None = Field(
        None, description="Region; the environment's if absent.", examples=["europe-west4"]
    )
    project: Project | None = Field(
        None, description="Project; the environment's if absent.", examples=["my-ml"]
    )
    poll: Duration | None = Field(
        None, description="How often Airflow asks for the state; 10 s if absent.", examples=["1m"]
    )

    @model_validator(mode="after")
    def _consistent(self) -> BatchPredict:
        tables = [each for each in self.source if each.startswith(TABLE)]
        if tables and len(self.source) > 1:
            raise bad("a table is the only source", "keep one", ("source",))
        if tables and "instances_format" in self.model_fields_set:
            raise bad("`instances_format` is about files", "delete it", ("instances_format",))
        to_table = self.destination is not None and self.destination.startswith(TABLE)
        if to_table and "predictions_format" in self.model_fields_set:
            raise bad("`predictions_format` is about files", "delete it", ("predictions_format",))
        if self.explain and not to_table and self.predictions_format == "csv":
            raise bad(
                "CSV files cannot hold attributions", "write `jsonl`", ("predictions_format",)
            )
        return self


def outputs(task: BatchPredict, context: TaskContext) -> dict[str, str]:
    """Offer the job and where its predictions are, which Vertex AI names when it makes them."""
    if task.destination and task.destination.startswith(TABLE):
        written = {"table": context.xcom("output_info", "bigquery_output_table")}
    else:
        written = {"uri": context.xcom("output_info", "gcs_output_directory")}
    return {"job": context.xcom("name"), **written}


def lower(task: BatchPredict, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator, deferrable and imported when the task runs."""
    environment = lowering.environment
    arguments = {
        "project_id": task.project or (environment.project if environment else ""),
        "region": task.region or (environment.region if environment else ""),
        "job_display_name": task.name or f"{lowering.pipeline.pipeline}-{context.id}",
        "model_name": task.model,
        **_instances(task),
        **_predictions(task, context),
        **_machine(task.machine),
        **given(
            {
                "model_parameters": task.parameters,
                "batch_size": task.batch_size,
                "generate_explanation": task.explain or None,
                "labels": labels(task.labels, lowering),
                "encryption_spec_key_name": task.kms_key,
            }
        ),
        "deferrable": True,
        **poll(task.poll, lowering, "poll_interval"),
        **credentials(task),
    }
    return lazy(task, lowering, context, OPERATOR, arguments)


def _instances(task: BatchPredict) -> dict[str, Any]:
    if task.source[0].startswith(TABLE):
        return {"bigquery_source": task.source[0], "instances_format": "bigquery"}
    return {"gcs_source": list(task.source), "instances_format": task.instances_format}


def _predictions(task: BatchPredict, context: TaskContext) -> dict[str, Any]:
    destination = task.destination or context.dir
    if destination.startswith(TABLE):
        return {"bigquery_destination_prefix": destination, "predictions_format": "bigquery"}
    return {"gcs_destination_prefix": destination, "predictions_format": task.predictions_format}


def _machine(machine: PredictionMachine | None) -> dict[str, Any]:
    if machine is None:
        return {}
    attached = machine.accelerator
    return given(
        {
            "machine_type": machine.type,
            "accelerator_type": attached.type if attached else None,
            "accelerator_count": attached.count if attached else None,
            "starting_replica_count": machine.replicas,
            "max_replica_count": machine.max_replicas,
        }
    )


def problems(
    task: BatchPredict, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment: the job needs its project, region and bucket."""
    yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(BatchPredict, lower, outputs=outputs, problems=problems)
