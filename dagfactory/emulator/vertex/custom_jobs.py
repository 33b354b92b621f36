"""CustomJobs: create, get, list, cancel, delete; run by the local queue."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import empty_pb2

from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.local_command import (
    NoCommandError,
    container_environment,
    local_command,
)
from dagfactory.emulator.jobs.local_job import (
    SPOT_RESTARTS,
    STOCKOUT_RETRIES,
    JobOutcome,
    LocalJob,
)
from dagfactory.emulator.jobs.runner import Runner
from dagfactory.emulator.jobs.submitted_job import Report
from dagfactory.emulator.jobs.vertex_environment import vertex_environment
from dagfactory.emulator.protos import VERTEX, enum_name, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.job_routes import job_routes
from dagfactory.emulator.vertex.job_rules import JobRules, strategy_of
from dagfactory.emulator.vertex.job_states import require_live, set_state
from dagfactory.emulator.vertex.late_fields import all_shown, shown
from dagfactory.emulator.vertex.listing import fill_page

SERVICE = f"{VERTEX}.JobService"


class CustomJobs:
    """The jobs of JobService."""

    def __init__(
        self,
        store: ResourceStore,
        runner: Runner,
        faults: Faults,
        entrypoints: Mapping[str, str],
        rules: JobRules,
    ) -> None:
        self._store, self._runner, self._faults = store, runner, faults
        self._entrypoints, self._rules = entrypoints, rules

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        return job_routes(SERVICE, "CustomJob", self)

    def create(self, request: Any) -> Any:
        """Create a job and queue it."""
        self.check(request.parent, request.custom_job, request.custom_job)
        return self.launch(request.parent, request.custom_job)

    def check(self, parent: str, job: Any, named: Any) -> None:
        """Refuse a CustomJob that Vertex AI refuses; `named` has the user's name and labels."""
        self._rules.check(resource_names.project_region(parent).region, job, named)

    def launch(self, parent: str, job: Any, watch: Report | None = None) -> Any:
        """Store and queue a CustomJob; `watch` hears of every state before it is stored."""
        place = resource_names.project_region(parent)
        self._faults.fail_create(*_places(place.region, job.job_spec))
        job.name = self._store.new_name(parent, "customJobs")
        set_state(job, "JobState", "QUEUED", None)
        job.create_time.CopyFrom(job.update_time)
        self._store.put(job.name, job)

        def report(state: str, outcome: JobOutcome | None) -> None:
            if watch is not None:
                watch(state, outcome)
            with self._store.edit(job.name) as stored:
                set_state(stored, "JobState", state, outcome)

        self._runner.submit(_local_job(job, place, self._entrypoints), report)
        return self._store.get(job.name)

    def get(self, request: Any) -> Any:
        """Return a job."""
        return shown(self._store.get(request.name), self._faults)

    def list_page(self, request: Any) -> Any:
        """Return a page of jobs."""
        found = all_shown(self._store.below(request.parent, "customJobs"), self._faults)
        return fill_page(vertex("ListCustomJobsResponse"), "custom_jobs", found, request)

    def cancel(self, request: Any) -> Any:
        """Ask a job to end; raises FAILED_PRECONDITION when it has ended already."""
        require_live(self.get(request))
        self.end(request.name)
        return empty_pb2.Empty()

    def end(self, name: str) -> None:
        """Have a job end; one that has ended stays as it is."""
        self._runner.cancel(resource_names.last(name))


def _places(region: str, spec: Any) -> tuple[str, ...]:
    """Name where a job would run, for the faults that strike some places only."""
    machine = spec.worker_pool_specs[0].machine_spec
    accelerator = enum_name(machine, "accelerator_type")
    return region, strategy_of(spec), machine.machine_type, accelerator


def _local_job(
    job: Any, place: resource_names.ProjectRegion, entrypoints: Mapping[str, str]
) -> LocalJob:
    spec, job_id = job.job_spec, resource_names.last(job.name)
    pool, scheduling = spec.worker_pool_specs[0], spec.scheduling
    base = spec.base_output_directory.output_uri_prefix
    strategy = strategy_of(spec)
    spot = strategy == "SPOT"
    command, problem = None, ""
    try:
        command = local_command(pool, entrypoints)
    except NoCommandError as error:
        problem = str(error)
    own = vertex_environment(place.project, place.region, job_id, base)
    return LocalJob(
        id=job_id,
        project=place.project,
        region=place.region,
        command=command,
        problem=problem,
        env={**container_environment(pool), **own},
        spot=spot,
        restarts=SPOT_RESTARTS if spot and not scheduling.disable_retries else 0,
        retries=0 if scheduling.disable_retries else SPOT_RESTARTS if spot else STOCKOUT_RETRIES,
        timeout=_seconds(scheduling, "timeout"),
        max_wait=_seconds(scheduling, "max_wait_duration") if strategy == "FLEX_START" else None,
        places=_places(place.region, spec),
        record={
            "name": job.name,
            "display_name": job.display_name,
            "labels": dict(job.labels),
            "command": command,
            "base_output_directory": base,
            "strategy": strategy,
        },
    )


def _seconds(scheduling: Any, field: str) -> float | None:
    """Return a Duration in seconds; None when it is unset or 0 (no limit)."""
    return float(getattr(scheduling, field).ToTimedelta().total_seconds()) or None
