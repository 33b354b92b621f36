"""`dataflow`: run a Dataflow job from a classic or a flex template; the worker is free while it runs.

Fields: https://cloud.google.com/dataflow/docs/reference/rest/v1b3/RuntimeEnvironment and
https://cloud.google.com/dataflow/docs/reference/rest/v1b3/projects.locations.flexTemplates/launch
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.language.common import (
    Duration,
    KmsKey,
    Project,
    Region,
    ServiceAccount,
    SpecModel,
    Text,
    bad,
    missing,
)
from dagfactory.language.job import Scalar
from dagfactory.task_api.google import cloud_problems
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address
from dagfactory.tasks._google import (
    GoogleTask,
    Labels,
    credentials,
    given,
    labels,
    lazy,
    poll,
    project,
)
from dagfactory.tasks._names import DataflowJobName

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATORS = "airflow.providers.google.cloud.operators.dataflow."
ONCE = "{{{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_OID, {}) }}}}"
"""Ends the job's name. It is the same in a retry: Dataflow refuses a second job while the first lives."""


class Workers(SpecModel):
    """The machines of a Dataflow job."""

    type: Text | None = Field(None, description="Machine type.", examples=["n2-standard-8"])
    count: int | None = Field(None, ge=1, description="Machines at the start.", examples=[4])
    max: int | None = Field(None, ge=1, description="Most machines.", examples=[50])
    disk_gb: int | None = Field(None, ge=10, description="Disk of each in GB.", examples=[100])
    zone: Text | None = Field(
        None, description="Zone, if not Dataflow's choice.", examples=["us-central1-b"]
    )
    network: Text | None = Field(None, description="VPC network.", examples=["default"])
    subnetwork: Text | None = Field(
        None, description="Subnetwork.", examples=["regions/us-central1/subnetworks/data"]
    )
    public_ips: bool = Field(default=True, description="Whether machines get public addresses.")
    image: Text | None = Field(
        None,
        description="Container image of the workers (flex).",
        examples=["us-docker.pkg.dev/p/ml/beam:1"],
    )

    @model_validator(mode="after")
    def _ordered(self) -> Workers:
        if self.max is not None and self.count is not None and self.max < self.count:
            raise bad("`max` is smaller than `count`", at=("max",))
        return self


class Dataflow(GoogleTask):
    """Start a job from a template and wait for its end."""

    type: Literal["dataflow"]
    template: Address | None = Field(
        None,
        description="Classic template.",
        examples=["gs://dataflow-templates/latest/GCS_Text_to_BigQuery"],
    )
    flex_template: Address | None = Field(
        None,
        description="Flex template: its JSON file.",
        examples=["gs://my-ml/templates/textures.json"],
    )
    parameters: dict[Text, Scalar] = Field(
        {},
        description="Parameters of the template; null leaves one out.",
        examples=[{"input": "${tasks.extract.uri}/*.avro", "output": "${run.dir}/textures/"}],
    )
    job: DataflowJobName | None = Field(
        None,
        description="Name of the job, to which one of the run is added; pipeline and task if absent.",
        examples=["textures"],
    )
    workers: Workers = Field(
        Workers(), description="Machines.", examples=[{"type": "n2-standard-8", "max": 50}]
    )
    temp: Address | None = Field(
        None,
        description="Folder for temporary files; one of the run if absent.",
        examples=["gs://my-ml/tmp"],
    )
    staging: Address | None = Field(
        None, description="Folder for staged files (flex).", examples=["gs://my-ml/staging"]
    )
    service_account: ServiceAccount | None = Field(
        None,
        description="Account of the machines; the environment's if absent.",
        examples=["beam@my-project.iam.gserviceaccount.com"],
    )
    streaming_engine: bool | None = Field(
        None, description="Whether Dataflow's service keeps the state of streams.", examples=[True]
    )
    flexrs: Literal["cost", "speed"] | None = Field(
        None, description="Run a batch later and cheaper, or faster (flex).", examples=["cost"]
    )
    experiments: list[Text] = Field([], description="Experiments.", examples=[["use_runner_v2"]])
    labels: Labels = Field({}, description="Labels of the job.", examples=[{"cost_center": "ml"}])
    kms_key: KmsKey | None = Field(None, description="Cloud KMS key of the job's data.")
    options: dict[Text, Any] = Field(
        {},
        description="Further fields of Dataflow's runtime environment, as in its REST API.",
        examples=[{"enableLauncherVmSerialPortLogging": True}],
    )
    wait: bool = Field(
        default=True, description="Wait for the end; false for a stream, which has none."
    )
    region: Region | None = Field(
        None, description="Region; the environment's if absent.", examples=["europe-west4"]
    )
    project: Project | None = Field(
        None, description="Project; the environment's if absent.", examples=["my-data"]
    )
    poll: Duration | None = Field(
        None, description="How often Airflow asks for the state; 10 s if absent.", examples=["1m"]
    )

    @model_validator(mode="after")
    def _one(self) -> Dataflow:
        if self.template is None and self.flex_template is None:
            raise missing("template", "or `flex_template`: the job's program")
        if self.template is not None and self.flex_template is not None:
            raise bad(
                "`template` and `flex_template` exclude each other", "keep one", ("template",)
            )
        if self.template is not None:
            self._no_flex()
        return self

    def _no_flex(self) -> None:
        for key in ("staging", "flexrs"):
            if getattr(self, key) is not None:
                raise bad(f"`{key}` is for flex templates", "delete it", (key,))
        if self.workers.image is not None:
            raise bad("`image` is for flex templates", "delete it", ("workers", "image"))


def outputs(task: Dataflow, context: TaskContext) -> dict[str, str]:
    """Offer the id of the job."""
    return {"job": context.xcom() if task.template else context.xcom("id")}


def lower(task: Dataflow, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator for the kind of template, imported when the task runs."""
    name = task.job or f"{lowering.pipeline.pipeline}-{context.id}".replace("_", "-")
    region = task.region or (lowering.environment.region if lowering.environment else "")
    common = {
        **project(task.project, lowering),
        "location": region,
        "append_job_name": False,
        **_waiting(task),
        **poll(task.poll, lowering, "poll_sleep"),
        **credentials(task),
    }
    program = _classic if task.template else _flex
    arguments = program(task, lowering, context, f"{name}-{ONCE.format(context.once)}")
    kind = (
        "DataflowTemplatedJobStartOperator"
        if task.template
        else "DataflowStartFlexTemplateOperator"
    )
    return lazy(task, lowering, context, OPERATORS + kind, arguments | common)


def _waiting(task: Dataflow) -> dict[str, bool]:
    return (
        {"deferrable": True} if task.wait else {"deferrable": False, "wait_until_finished": False}
    )


def _classic(
    task: Dataflow, lowering: LoweringContext, context: TaskContext, name: str
) -> dict[str, Any]:
    """Return the arguments of a classic template."""
    return {
        "template": task.template,
        "job_name": name,
        "parameters": _parameters(task),
        "environment": _environment(task, lowering, context),
    }


def _flex(
    task: Dataflow, lowering: LoweringContext, context: TaskContext, name: str
) -> dict[str, Any]:
    """Return the body of a flex template's launch."""
    launch = {
        "jobName": name,
        "containerSpecGcsPath": task.flex_template,
        "parameters": _parameters(task),
        "environment": _environment(task, lowering, context),
    }
    return {"body": {"launchParameter": launch}}


def _parameters(task: Dataflow) -> dict[str, str]:
    """Return the parameters as texts, which is what templates take."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in task.parameters.items()
        if value is not None
    }


def _environment(task: Dataflow, lowering: LoweringContext, context: TaskContext) -> dict[str, Any]:
    """Return the runtime environment; both kinds of template share these names."""
    own = lowering.environment.service_account if lowering.environment else None
    goals = {"cost": "FLEXRS_COST_OPTIMIZED", "speed": "FLEXRS_SPEED_OPTIMIZED"}
    made = {
        "tempLocation": task.temp or f"{context.dir}/temp",
        "stagingLocation": task.staging,
        "serviceAccountEmail": task.service_account or own,
        "enableStreamingEngine": task.streaming_engine,
        "flexrsGoal": goals[task.flexrs] if task.flexrs else None,
        "additionalExperiments": list(task.experiments),
        "additionalUserLabels": labels(task.labels, lowering),
        "kmsKeyName": task.kms_key,
    }
    return given({**made, **_machines(task.workers)}) | task.options


def _machines(workers: Workers) -> dict[str, Any]:
    return {
        "machineType": workers.type,
        "numWorkers": workers.count,
        "maxWorkers": workers.max,
        "diskSizeGb": workers.disk_gb,
        "workerZone": workers.zone,
        "network": workers.network,
        "subnetwork": workers.subnetwork,
        "ipConfiguration": None if workers.public_ips else "WORKER_IP_PRIVATE",
        "sdkContainerImage": workers.image,
    }


def problems(
    task: Dataflow, _pipeline: Pipeline, environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find a missing environment: the job needs its project, region and bucket."""
    yield from cloud_problems(task, environment)


TASK_TYPE = TaskType(Dataflow, lower, outputs=outputs, problems=problems)
