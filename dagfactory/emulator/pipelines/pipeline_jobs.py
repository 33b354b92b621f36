"""PipelineJobs: create, get, list, cancel, delete; followed by the interpreter."""

import logging
import re
import threading
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2, json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.local_job import STOPPED, JobOutcome
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.pipelines import template
from dagfactory.emulator.pipelines.containers import Containers
from dagfactory.emulator.pipelines.interpreter import Interpreter
from dagfactory.emulator.pipelines.placeholders import Places
from dagfactory.emulator.pipelines.task_details import TaskDetails
from dagfactory.emulator.pipelines.values import MALFORMED, Ended, PipelineError, Tree, Values
from dagfactory.emulator.protos import VERTEX, enum_name, vertex, whole
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.custom_jobs import CustomJobs
from dagfactory.emulator.vertex.job_routes import job_routes
from dagfactory.emulator.vertex.job_states import require_live, set_state, state_of
from dagfactory.emulator.vertex.late_fields import all_shown, shown
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.operations import Operations

log = logging.getLogger(__name__)
SERVICE = f"{VERTEX}.PipelineService"
KIND = "PipelineState"
_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_ROOT = re.compile(r"gs://[^/]+(/.*)?")


class PipelineJobs:
    """The pipeline jobs of PipelineService."""

    def __init__(
        self,
        store: ResourceStore,
        jobs: CustomJobs,
        operations: Operations,
        faults: Faults,
        storage: Path,
    ) -> None:
        self._store, self._jobs, self._operations = store, jobs, operations
        self._faults, self._storage = faults, storage
        self._live: dict[str, tuple[Interpreter, Containers]] = {}
        self._closed = False

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        rows = job_routes(SERVICE, "PipelineJob", self)
        one = "/v1/{name=projects/*/locations/*/pipelineJobs/*}"
        return [*rows, Method(SERVICE, "DeletePipelineJob", "DELETE", one, self.delete)]

    def require_valid(self, job: Any) -> None:
        """Raise INVALID_ARGUMENT for a pipeline job that could not be created."""
        _checked(job)

    def create(self, request: Any) -> Any:
        """Create a pipeline job and have it followed."""
        job = request.pipeline_job
        spec, parameters = _checked(job)
        with self._store.transaction():
            job.name = self._new_name(request.parent, request.pipeline_job_id)
            set_state(job, KIND, "PENDING", None)
            job.create_time.CopyFrom(job.update_time)
            interpreter, containers = self._prepare(job, spec)
            self._live[job.name] = (interpreter, containers)
            self._store.put(job.name, job)
        follow = (job.name, interpreter, Values(parameters))
        threading.Thread(target=self._follow, args=follow, daemon=True).start()
        return self._store.get(job.name)

    def get(self, request: Any) -> Any:
        """Return a pipeline job."""
        return shown(self._store.get(request.name), self._faults)

    def list_page(self, request: Any) -> Any:
        """Return a page of pipeline jobs."""
        found = all_shown(self._store.below(request.parent, "pipelineJobs"), self._faults)
        return fill_page(vertex("ListPipelineJobsResponse"), "pipeline_jobs", found, request)

    def cancel(self, request: Any) -> Any:
        """Ask a pipeline job to end: its jobs are cancelled, its other tasks do not begin."""
        require_live(self.get(request))
        with self._store.edit(request.name) as job:
            if state_of(job) not in FINAL:
                set_state(job, KIND, "CANCELLING", None)
        if live := self._live.get(request.name):
            interpreter, containers = live
            interpreter.cancelled.set()
            containers.end()
        return empty_pb2.Empty()

    def delete(self, request: Any) -> Any:
        """Delete a pipeline job that has ended."""
        if state_of(self._store.get(request.name)) not in FINAL:
            raise ApiError("FAILED_PRECONDITION", f"{request.name} has not ended; cancel it first.")
        self._store.delete(request.name)
        return self._operations.finished(request.name, None, "DeleteOperationMetadata")

    def close(self) -> None:
        """Have no pipeline job go on: the emulator ends, and its jobs with it."""
        self._closed = True
        for interpreter, _ in list(self._live.values()):
            interpreter.cancelled.set()

    def _new_name(self, parent: str, wanted: str) -> str:
        if not wanted:
            return self._store.new_name(parent, "pipelineJobs")
        if not _ID.fullmatch(wanted):
            text = f"Invalid pipeline_job_id {wanted!r}: it must match ^[a-z][-a-z0-9]{{0,127}}$."
            raise ApiError("INVALID_ARGUMENT", text)
        name = f"{parent}/pipelineJobs/{wanted}"
        if name in self._store.names():
            raise ApiError("ALREADY_EXISTS", f"The PipelineJob {name} already exists.")
        return name

    def _prepare(self, job: Any, spec: Tree) -> tuple[Interpreter, Containers]:
        """Return what follows a pipeline job, and what runs its containers."""
        details = TaskDetails(self._store, job.name)
        root = f"{_root(job, spec)}/{resource_names.last(job.name)}"
        facts = _facts(job.name, root)
        containers = Containers(self._jobs, details, self._storage, Places(facts))
        policy = enum_name(job.runtime_config, "failure_policy")
        fast = policy == "PIPELINE_FAILURE_POLICY_FAIL_FAST"
        return Interpreter(spec, details, containers.execute, facts, fast), containers

    def _follow(self, name: str, interpreter: Interpreter, values: Values) -> None:
        """Run a pipeline job and store its end."""
        try:
            with self._store.edit(name) as job:
                if state_of(job) != "CANCELLING":
                    set_state(job, KIND, "RUNNING", None)
            ended = interpreter.run(resource_names.last(name), values)
        except Exception as error:
            log.exception("pipeline job %s", name)
            ended = Ended("FAILED", error=f"emulator failure: {error}")
        if self._closed and ended.state != "SUCCEEDED":
            ended = Ended("FAILED", error=STOPPED)
        code = "FAILED_PRECONDITION" if ended.state == "FAILED" else "OK"
        with self._store.edit(name) as job:
            set_state(job, KIND, ended.state, JobOutcome(ended.state, code, ended.error))
        self._live.pop(name, None)


def _facts(name: str, root: str) -> dict[str, str]:
    """Return what the placeholders of every task name: the run and its place."""
    place = resource_names.project_region(name)
    return {
        "pipeline_job_name": resource_names.last(name),
        "pipeline_job_resource_name": name,
        "pipeline_job_uuid": resource_names.last(name),
        "pipeline_google_cloud_location": place.region,
        "pipeline_google_cloud_project_id": place.project,
        "pipeline_root": root,
    }


def _root(job: Any, spec: Tree) -> str:
    """Return the folder of the pipeline's runs; raises INVALID_ARGUMENT."""
    root = job.runtime_config.gcs_output_directory or str(spec.get("defaultPipelineRoot", ""))
    if not _ROOT.fullmatch(root) or ".." in root.split("/"):
        text = f"runtime_config.gcs_output_directory is not an address in Cloud Storage: {root!r}."
        raise ApiError("INVALID_ARGUMENT", text)
    return root.rstrip("/")


def _checked(job: Any) -> tuple[Tree, Tree]:
    """Return template and parameters of a pipeline job; raises INVALID_ARGUMENT."""
    if not job.HasField("pipeline_spec"):
        text = "The emulator fetches no templates: pipeline_job.pipeline_spec is required."
        raise ApiError("INVALID_ARGUMENT", text)
    for name in ("parameters", "input_artifacts"):
        if getattr(job.runtime_config, name):
            text = f"The emulator takes no runtime_config.{name}, only parameter_values."
            raise ApiError("INVALID_ARGUMENT", text)
    try:
        spec: Tree = whole(json_format.MessageToDict(job.pipeline_spec))
        given = json_format.MessageToDict(job.runtime_config).get("parameterValues", {})
        template.check(spec)
        parameters = template.with_defaults(spec["root"], whole(given))
    except PipelineError as error:
        raise ApiError("INVALID_ARGUMENT", str(error)) from None
    except MALFORMED as error:
        raise ApiError("INVALID_ARGUMENT", f"Malformed pipeline_spec: {error!r}") from None
    _root(job, spec)
    return spec, parameters
