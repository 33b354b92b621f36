"""States, times and errors of jobs and pipelines."""

from typing import Any

from dagfactory.emulator.errors import CODES, ApiError
from dagfactory.emulator.jobs.local_job import JobOutcome
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.protos import VERTEX, enum_name, enum_value


def set_state(message: Any, kind: str, state: str, outcome: JobOutcome | None) -> None:
    """Set state (`kind` is JobState or PipelineState), times and error of a job or pipeline."""
    prefix = "JOB_STATE_" if kind == "JobState" else "PIPELINE_STATE_"
    message.state = enum_value(f"{VERTEX}.{kind}", prefix + state)
    message.update_time.GetCurrentTime()
    if state == "RUNNING" and not message.HasField("start_time"):
        message.start_time.CopyFrom(message.update_time)
    if state in FINAL:
        message.end_time.CopyFrom(message.update_time)
    if outcome is not None and outcome.message:
        message.error.code = CODES[outcome.code][1]
        message.error.message = outcome.message


def state_of(message: Any) -> str:
    """Return the state without its prefix: RUNNING for JOB_STATE_RUNNING."""
    return enum_name(message, "state").partition("_STATE_")[2]


def require_live(message: Any) -> None:
    """Raise FAILED_PRECONDITION for a job that has ended, which cannot be cancelled."""
    # wording: GoogleCloudPlatform/java-docs-samples#9281
    if state_of(message) in FINAL:
        kind, state = message.DESCRIPTOR.name, enum_name(message, "state")
        text = f'The {kind} "{message.name}" is in state {state} and cannot be canceled.'
        raise ApiError("FAILED_PRECONDITION", text)
