"""TrainingPipelines whose task is custom_task_1.0.0: a CustomJob and, afterwards, a Model."""

from typing import Any

from google.protobuf import empty_pb2, json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.local_job import JobOutcome
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.protos import VERTEX, vertex, whole
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.custom_jobs import CustomJobs
from dagfactory.emulator.vertex.job_routes import job_routes
from dagfactory.emulator.vertex.job_states import require_live, set_state, state_of
from dagfactory.emulator.vertex.late_fields import all_shown, shown, without_late
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.models import Models
from dagfactory.emulator.vertex.operations import Operations

SERVICE = f"{VERTEX}.PipelineService"
CUSTOM_TASK = "custom_task_1.0.0.yaml"
DEFINITIONS = "gs://google-cloud-aiplatform/schema/trainingjob/definition/"


class Pipelines:
    """The training pipelines of PipelineService."""

    def __init__(
        self,
        store: ResourceStore,
        jobs: CustomJobs,
        models: Models,
        operations: Operations,
        faults: Faults,
    ) -> None:
        self._store, self._jobs, self._models = store, jobs, models
        self._operations, self._faults = operations, faults

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        rows = job_routes(SERVICE, "TrainingPipeline", self)
        one = "/v1/{name=projects/*/locations/*/trainingPipelines/*}"
        return [*rows, Method(SERVICE, "DeleteTrainingPipeline", "DELETE", one, self.delete)]

    def create(self, request: Any) -> Any:
        """Create a pipeline and its backing custom job."""
        pipeline = request.training_pipeline
        job = _backing_job(pipeline)
        self._jobs.check(request.parent, job, pipeline)
        pipeline.name = self._store.new_name(request.parent, "trainingPipelines")
        set_state(pipeline, "PipelineState", "PENDING", None)
        pipeline.create_time.CopyFrom(pipeline.update_time)
        with self._store.transaction():
            launched = self._jobs.launch(
                request.parent,
                job,
                lambda state, outcome: self._follow(pipeline.name, state, outcome),
            )
            metadata = {"backingCustomJob": launched.name}
            json_format.ParseDict(metadata, pipeline.training_task_metadata)
            self._store.put(pipeline.name, pipeline)
        return without_late(self._store.get(pipeline.name), self._faults)

    def get(self, request: Any) -> Any:
        """Return a pipeline."""
        return shown(self._store.get(request.name), self._faults)

    def list_page(self, request: Any) -> Any:
        """Return a page of pipelines."""
        found = all_shown(self._store.below(request.parent, "trainingPipelines"), self._faults)
        response = vertex("ListTrainingPipelinesResponse")
        return fill_page(response, "training_pipelines", found, request)

    def cancel(self, request: Any) -> Any:
        """Cancel the backing job; the pipeline follows its state."""
        require_live(self.get(request))
        pipeline = self._store.get(request.name)
        self._jobs.end(_backing_name(pipeline))
        return empty_pb2.Empty()

    def delete(self, request: Any) -> Any:
        """Delete a pipeline that has ended."""
        if state_of(self._store.get(request.name)) not in FINAL:
            raise ApiError("FAILED_PRECONDITION", f"{request.name} has not ended; cancel it first.")
        self._store.delete(request.name)
        return self._operations.finished(request.name, None, "DeleteOperationMetadata")

    def _follow(self, name: str, state: str, outcome: JobOutcome | None) -> None:
        if state == "QUEUED":
            return  # the pipeline is PENDING from the start, as in the service
        if state == "SUCCEEDED":
            self._upload(name)
        with self._store.edit(name) as pipeline:
            set_state(pipeline, "PipelineState", state, outcome)

    def _upload(self, name: str) -> None:
        """Register model_to_upload from the job's model directory."""
        pipeline = self._store.get(name)
        if not pipeline.model_to_upload.display_name:
            return
        job = self._store.get(_backing_name(pipeline))
        base = job.job_spec.base_output_directory.output_uri_prefix.rstrip("/")
        request = vertex(
            "UploadModelRequest", parent=resource_names.parent(name), model_id=pipeline.model_id
        )
        request.parent_model = pipeline.parent_model
        request.model.CopyFrom(pipeline.model_to_upload)
        request.model.artifact_uri = request.model.artifact_uri or f"{base}/model"
        uploaded = self._models.add_version(request)
        with self._store.edit(name) as stored:
            stored.model_to_upload.CopyFrom(uploaded)


def _backing_name(pipeline: Any) -> str:
    name: str = json_format.MessageToDict(pipeline.training_task_metadata)["backingCustomJob"]
    return name


def _backing_job(pipeline: Any) -> Any:
    """Read training_task_inputs (snake_case or camelCase keys) as a CustomJobSpec."""
    definition = pipeline.training_task_definition
    if definition != DEFINITIONS + CUSTOM_TASK:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"The emulator runs {DEFINITIONS}{CUSTOM_TASK} only, not {definition!r}.",
        )
    name = f"{pipeline.display_name}-custom-job"[: resource_names.DISPLAY_LENGTH]
    job = vertex("CustomJob", display_name=name)
    job.labels.update(pipeline.labels)
    try:
        inputs = json_format.MessageToDict(pipeline.training_task_inputs)
        json_format.ParseDict(whole(inputs), job.job_spec)
    except (json_format.ParseError, TypeError) as error:
        raise ApiError(
            "INVALID_ARGUMENT",
            "Unable to parse `training_pipeline.training_task_inputs` into custom task `inputs` "
            f"defined in the file: {definition}: {error}",
        ) from None
    return job
