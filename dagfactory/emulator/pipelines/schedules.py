"""ScheduleService: pipeline jobs by the clock.

Fields and their meaning: google/cloud/aiplatform/v1/schedule.proto and schedule_service.proto.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from google.protobuf import empty_pb2

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.pipelines.cron import BadCronError, Cron
from dagfactory.emulator.pipelines.pipeline_jobs import PipelineJobs
from dagfactory.emulator.protos import VERTEX, enum_name, enum_value, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.job_states import state_of
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.masks import apply_mask
from dagfactory.emulator.vertex.operations import Operations

log = logging.getLogger(__name__)
SERVICE = f"{VERTEX}.ScheduleService"
EVERY = 0.5
"""Seconds between two looks at the clock."""
_STATE = f"{VERTEX}.Schedule.State"
_OWN = ("name", "state", "create_time", "update_time", "started_run_count", "next_run_time")
"""Fields that the service sets."""
_FIXED = ("start_time", "create_pipeline_job_request")
"""Fields that no update changes."""


class Schedules:
    """The schedules of pipeline jobs, and the clock that they go by."""

    def __init__(
        self,
        store: ResourceStore,
        jobs: PipelineJobs,
        operations: Operations,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._jobs, self._operations, self._now = store, jobs, operations, now
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        many = "/v1/{parent=projects/*/locations/*}/schedules"
        one = "/v1/{name=projects/*/locations/*/schedules/*}"
        changed = "/v1/{schedule.name=projects/*/locations/*/schedules/*}"
        return [
            Method(SERVICE, "CreateSchedule", "POST", many, self.create, body="schedule"),
            Method(SERVICE, "GetSchedule", "GET", one, self.get),
            Method(SERVICE, "ListSchedules", "GET", many, self.list_page),
            Method(SERVICE, "PauseSchedule", "POST", one + ":pause", self.pause, body="*"),
            Method(SERVICE, "ResumeSchedule", "POST", one + ":resume", self.resume, body="*"),
            Method(SERVICE, "UpdateSchedule", "PATCH", changed, self.update, body="schedule"),
            Method(SERVICE, "DeleteSchedule", "DELETE", one, self.delete),
        ]

    def close(self) -> None:
        """Stop the clock."""
        self._closed.set()

    def create(self, request: Any) -> Any:
        """Create a schedule that is active at once."""
        schedule = request.schedule
        resource_names.require_display_name(schedule)
        if not schedule.HasField("create_pipeline_job_request"):
            text = "The emulator runs schedules of pipeline jobs: create_pipeline_job_request is required."
            raise ApiError("INVALID_ARGUMENT", text)
        if schedule.max_concurrent_run_count < 1:
            raise ApiError("INVALID_ARGUMENT", "max_concurrent_run_count has to be positive.")
        self._jobs.require_valid(schedule.create_pipeline_job_request.pipeline_job)
        now = self._now()
        with self._store.transaction():
            schedule.name = self._store.new_name(request.parent, "schedules")
            schedule.create_time.FromDatetime(now)
            schedule.update_time.FromDatetime(now)
            if not schedule.HasField("start_time"):
                schedule.start_time.FromDatetime(now)
            _set(schedule, "ACTIVE")
            self._plan(schedule, max(now, _time(schedule, "start_time")))
            self._store.put(schedule.name, schedule)
        return self._store.get(schedule.name)

    def get(self, request: Any) -> Any:
        """Return a schedule."""
        return self._store.get(request.name)

    def list_page(self, request: Any) -> Any:
        """Return a page of schedules."""
        found = self._store.below(request.parent, "schedules")
        return fill_page(vertex("ListSchedulesResponse"), "schedules", found, request)

    def pause(self, request: Any) -> Any:
        """Have a schedule start nothing until it is resumed."""
        with self._store.edit(request.name) as schedule:
            _require(schedule, "ACTIVE")
            _set(schedule, "PAUSED")
            schedule.last_pause_time.FromDatetime(self._now())
            schedule.ClearField("next_run_time")
        return empty_pb2.Empty()

    def resume(self, request: Any) -> Any:
        """Let a schedule go on, from now or with what it has missed."""
        with self._store.edit(request.name) as schedule:
            _require(schedule, "PAUSED")
            _set(schedule, "ACTIVE")
            since = schedule.last_pause_time if request.catch_up else None
            schedule.catch_up = request.catch_up
            schedule.last_resume_time.FromDatetime(self._now())
            self._plan(schedule, since.ToDatetime(UTC) if since else self._now())
        return empty_pb2.Empty()

    def update(self, request: Any) -> Any:
        """Change a schedule; what is due next is computed anew."""
        for path in request.update_mask.paths:
            if path.split(".")[0] in (*_OWN, *_FIXED):
                raise ApiError("INVALID_ARGUMENT", f"update_mask: {path} cannot be changed.")
        with self._store.edit(request.schedule.name) as schedule:
            apply_mask(schedule, request.schedule, request.update_mask)
            schedule.update_time.FromDatetime(self._now())
            if enum_name(schedule, "state") == "ACTIVE":
                self._plan(schedule, self._now())
        return self._store.get(request.schedule.name)

    def delete(self, request: Any) -> Any:
        """Delete a schedule; its runs go on."""
        self._store.get(request.name)
        self._store.delete(request.name)
        return self._operations.finished(request.name, None, "DeleteOperationMetadata")

    def _run(self) -> None:
        while not self._closed.wait(EVERY):
            for name in [each for each in self._store.names() if "/schedules/" in each]:
                try:
                    self.tick(name)
                except ApiError as error:
                    log.warning("%s: %s", name, error)

    def tick(self, name: str) -> None:
        """Start what is due of one schedule."""
        with self._store.edit(name) as schedule:
            active = enum_name(schedule, "state") == "ACTIVE" and schedule.HasField("next_run_time")
            due = _time(schedule, "next_run_time")
            if not active or due > self._now():
                return
            busy = sum(1 for _ in self._live(name)) >= schedule.max_concurrent_run_count
            if busy and schedule.allow_queueing:
                return  # it stays due
            told = "Skipped: as many runs as max_concurrent_run_count allows are active."
            schedule.last_scheduled_run_response.scheduled_run_time.FromDatetime(due)
            schedule.last_scheduled_run_response.run_response = (
                told if busy else self._start(schedule)
            )
            self._plan(schedule, due if schedule.catch_up else max(due, self._now()))

    def _live(self, name: str) -> Iterator[Any]:
        for job in self._store.below(resource_names.parent(name), "pipelineJobs"):
            if job.schedule_name == name and state_of(job) not in FINAL:
                yield job

    def _start(self, schedule: Any) -> str:
        """Create the run that is due; return what the schedule says of it."""
        request = type(schedule.create_pipeline_job_request)()
        request.CopyFrom(schedule.create_pipeline_job_request)
        request.parent = request.parent or resource_names.parent(schedule.name)
        request.pipeline_job.schedule_name = schedule.name
        schedule.started_run_count += 1
        try:
            return f"Created {self._jobs.create(request).name}"
        except ApiError as error:
            return str(error)

    def _plan(self, schedule: Any, after: datetime) -> None:
        """Set when a schedule is due next; one with nothing left is completed. Raises INVALID_ARGUMENT."""
        try:
            due = Cron(schedule.cron).after(after)
        except BadCronError as error:
            raise ApiError("INVALID_ARGUMENT", str(error)) from None
        over = schedule.HasField("end_time") and due > _time(schedule, "end_time")
        if over or 0 < schedule.max_run_count <= schedule.started_run_count:
            _set(schedule, "COMPLETED")
            schedule.ClearField("next_run_time")
        else:
            schedule.next_run_time.FromDatetime(due)


def _time(schedule: Any, field: str) -> datetime:
    found: datetime = getattr(schedule, field).ToDatetime(UTC)
    return found


def _set(schedule: Any, state: str) -> None:
    schedule.state = enum_value(_STATE, state)


def _require(schedule: Any, state: str) -> None:
    now = enum_name(schedule, "state")
    if now != state:
        raise ApiError("FAILED_PRECONDITION", f"{schedule.name} is {now}, not {state}.")
