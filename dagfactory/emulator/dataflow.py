"""Dataflow: jobs launched from templates, whose work a local command stands in for.

https://cloud.google.com/dataflow/docs/reference/rest
"""

import fnmatch
import logging
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.jobs.attempt import tail
from dagfactory.emulator.jobs.local_command import PYTHONS
from dagfactory.emulator.jobs.local_job import STOPPED, TAIL_BYTES, TAIL_LINES, JobOutcome, LocalJob
from dagfactory.emulator.jobs.runner import Runner
from dagfactory.emulator.protos import DATAFLOW, enum_value, message_class
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method

log = logging.getLogger(__name__)
_JOBS = f"{DATAFLOW}.JobsV1Beta3"
_PLACE = "/v1b3/projects/{project_id=*}/locations/{location=*}"
_STATES = {"SUCCEEDED": "DONE"}
_FINAL = ("DONE", "FAILED", "CANCELLED")
_NOTHING = (
    "no command stands in for the template %s, so this job succeeds and writes nothing; "
    "give one with --entrypoint 'GLOB=COMMAND'"
)


class DataflowService:
    """Jobs of Dataflow. `entrypoints` maps globs of template addresses to commands."""

    def __init__(self, directory: Path, runner: Runner, entrypoints: Mapping[str, str]) -> None:
        self._store, self._runner, self._entrypoints = ResourceStore(directory), runner, entrypoints
        for name in self._store.names():
            if _state(self._store.get(name)) not in _FINAL:
                self._report(name, "FAILED", JobOutcome("FAILED", "INTERNAL", STOPPED))

    def methods(self) -> list[Method]:
        """Return the rows of Dataflow's route table."""
        one, messages = _PLACE + "/jobs/{job_id=*}", f"{DATAFLOW}.MessagesV1Beta3"
        launch, flex = f"{_PLACE}/templates:launch", f"{_PLACE}/flexTemplates:launch"
        classic_service = f"{DATAFLOW}.TemplatesService"
        return [
            Method(
                classic_service,
                "LaunchTemplate",
                "POST",
                launch,
                self.launch,
                body="launch_parameters",
            ),
            Method(
                f"{DATAFLOW}.FlexTemplatesService",
                "LaunchFlexTemplate",
                "POST",
                flex,
                self.launch_flex,
                body="*",
            ),
            Method(_JOBS, "GetJob", "GET", one, self.get),
            Method(_JOBS, "ListJobs", "GET", f"{_PLACE}/jobs", self.list_all),
            Method(_JOBS, "UpdateJob", "PUT", one, self.update, body="job"),
            Method(messages, "ListJobMessages", "GET", f"{one}/messages", self.messages),
        ]

    def launch(self, request: Any) -> Any:
        """Start a job from a classic template."""
        given = request.launch_parameters
        job = self._start(request, request.gcs_path, given.job_name, dict(given.parameters))
        return message_class(f"{DATAFLOW}.LaunchTemplateResponse")(job=job)

    def launch_flex(self, request: Any) -> Any:
        """Start a job from a flex template."""
        given = request.launch_parameter
        template = given.container_spec_gcs_path or given.container_spec.image
        job = self._start(request, template, given.job_name, dict(given.parameters))
        return message_class(f"{DATAFLOW}.LaunchFlexTemplateResponse")(job=job)

    def get(self, request: Any) -> Any:
        """Return a job; raises NOT_FOUND."""
        return self._store.get(_name(request))

    def list_all(self, request: Any) -> Any:
        """Return the jobs of a region, newest first, those called `name` if it is given."""
        found = self._store.below(_parent(request), "jobs")
        jobs = [job for job in found if request.name in ("", job.name)]
        return message_class(f"{DATAFLOW}.ListJobsResponse")(jobs=jobs)

    def update(self, request: Any) -> Any:
        """Cancel or drain a job, which is all that can be updated."""
        job = self._store.get(_name(request))
        if request.job.requested_state:
            self._runner.cancel(job.id)
        return self._store.get(_name(request))

    def messages(self, request: Any) -> Any:
        """Return the end of what the job's command printed."""
        job = self._store.get(_name(request))
        made = message_class(f"{DATAFLOW}.ListJobMessagesResponse")()
        logged = self._runner.directory / job.id / "attempt-1.log"
        if logged.exists():
            importance = enum_value(f"{DATAFLOW}.JobMessageImportance", "JOB_MESSAGE_BASIC")
            text = tail(logged, TAIL_BYTES, TAIL_LINES)
            made.job_messages.add(id="1", message_text=text, message_importance=importance)
        return made

    def _start(self, request: Any, template: str, name: str, parameters: dict[str, str]) -> Any:
        parent = _parent(request)
        if not template or not name:
            raise ApiError("INVALID_ARGUMENT", "A template and a job name are required.")
        active = (each for each in self._store.below(parent, "jobs") if _state(each) not in _FINAL)
        if any(each.name == name for each in active):
            message = f"There is already an active job named {name}."
            raise ApiError("ALREADY_EXISTS", message)
        now = datetime.now(UTC)
        job = message_class(f"{DATAFLOW}.Job")(
            id=f"{now:%Y-%m-%d_%H_%M_%S}-{self._store.new_id()}",
            name=name,
            project_id=request.project_id,
            location=request.location,
            type_=enum_value(f"{DATAFLOW}.JobType", "JOB_TYPE_BATCH"),
        )
        job.create_time.FromDatetime(now)
        resource = f"{parent}/jobs/{job.id}"
        self._store.put(resource, job)
        command = self._command(template, parameters)

        def report(state: str, outcome: JobOutcome | None) -> None:
            self._report(resource, state, outcome)

        self._runner.submit(_local_job(job, template, command), report)
        return self._store.get(resource)

    def _command(self, template: str, parameters: Mapping[str, str]) -> list[str]:
        """Return the command for a template, its parameters as `--name=value`."""
        for glob, command in self._entrypoints.items():
            if fnmatch.fnmatch(template, glob):
                first, *rest = shlex.split(command)
                program = sys.executable if first in PYTHONS else first
                options = [f"--{name}={value}" for name, value in parameters.items()]
                return [program, *rest, *options]
        log.warning(_NOTHING, template)
        return ["echo", _NOTHING % template]

    def _report(self, resource: str, state: str, _outcome: JobOutcome | None) -> None:
        with self._store.edit(resource) as job:
            name = f"JOB_STATE_{_STATES.get(state, state)}"
            job.current_state = enum_value(f"{DATAFLOW}.JobState", name)
            job.current_state_time.GetCurrentTime()


def _local_job(job: Any, template: str, command: list[str]) -> LocalJob:
    return LocalJob(
        id=job.id,
        project=job.project_id,
        region=job.location,
        command=command,
        problem="",
        env={},
        spot=False,
        restarts=0,
        retries=0,
        timeout=None,
        max_wait=None,
        places=(job.location,),
        record={"name": job.name, "template": template, "command": command},
    )


def _state(job: Any) -> str:
    field = job.DESCRIPTOR.fields_by_name["current_state"]
    name: str = field.enum_type.values_by_number[job.current_state].name
    return name.removeprefix("JOB_STATE_")


def _parent(request: Any) -> str:
    return f"projects/{request.project_id}/locations/{request.location}"


def _name(request: Any) -> str:
    return f"{_parent(request)}/jobs/{request.job_id}"
