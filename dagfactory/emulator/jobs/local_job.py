"""A custom job reduced to what running it locally needs, and how it can end."""

from dataclasses import dataclass
from urllib.parse import quote

# https://cloud.google.com/vertex-ai/docs/training/use-spot-vms: up to six restart attempts
SPOT_RESTARTS = 6
# understanding-training-service: how often a job is tried again for which there was no capacity
STOCKOUT_RETRIES = 3
TAIL_BYTES = 2000
TAIL_LINES = 20
# what Vertex AI says of a job that its own machines lost, and why it is said here
STOPPED = (
    "Internal error occurred for the current attempt. The emulator was stopped while the job ran."
)


@dataclass(frozen=True, slots=True)
class LocalJob:
    """One custom job; `command` is None when there is nothing to run, `problem` says why.

    It restarts so often when it is preempted, and is tried again so often while there is no capacity.
    """

    id: str
    project: str
    region: str
    command: list[str] | None
    problem: str
    env: dict[str, str]
    spot: bool
    restarts: int
    retries: int
    timeout: float | None
    max_wait: float | None
    places: tuple[str, ...]
    record: dict[str, object]


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """The end of a job: state suffix (SUCCEEDED, FAILED, CANCELLED), canonical code, text."""

    state: str
    code: str = "OK"
    message: str = ""


# With code and text of a recorded one (prefect-gcp). A job that runs longer than scheduling.timeout
# ends in the same way (tensorflow/tfx#6223): only the clock tells the two apart.
CANCELLED = JobOutcome("CANCELLED", "CANCELLED", "CANCELED")


def failed_replica(job: LocalJob, status: int, log_tail: str) -> JobOutcome:
    """Word a non-zero exit as Vertex does, followed by the end of the job's log."""
    advanced = f'resource.type="ml_job"\nresource.labels.job_id="{job.id}"'
    link = (
        f"https://console.cloud.google.com/logs/viewer?project={job.project}"
        f"&resource=ml_job%2Fjob_id%2F{job.id}&advancedFilter={quote(advanced, safe='.')}"
    )
    text = (
        f"The replica workerpool0-0 exited with a non-zero status of {status}. "
        f"{_termination_reason(status)}To find out more about why your job exited please check "
        f"the logs: {link}"
    )
    return JobOutcome("FAILED", "INVALID_ARGUMENT", f"{text}\n{log_tail}" if log_tail else text)


def _termination_reason(status: int) -> str:
    reasons = {1: "Error", 137: "OOMKilled or killed by signal 9", 143: "killed by signal 15"}
    return f"Termination reason: {reasons[status]}. " if status in reasons else ""


def ended_early(reason: str) -> JobOutcome:
    """Word the end of a job that was cancelled, ran too long or outlived the emulator."""
    if reason in ("cancelled", "timeout"):
        return CANCELLED
    return JobOutcome("FAILED", "INTERNAL", STOPPED)


def insufficient_resources(job: LocalJob) -> JobOutcome:
    """Word a stockout as Vertex does."""
    message = (
        f"STOCKOUT: Resources are insufficient in region: {job.region}. Please try a different "
        "region or use a different accelerator."
    )
    return JobOutcome("FAILED", "RESOURCE_EXHAUSTED", message)


def preempted_too_often(job: LocalJob) -> JobOutcome:
    """Word the end of a Spot job that ran out of restarts."""
    message = f"STOCKOUT: the Spot VMs were preempted {job.restarts + 1} times."
    return JobOutcome("FAILED", "RESOURCE_EXHAUSTED", message)


def waited_too_long(job: LocalJob) -> JobOutcome:
    """Word the end of a flex-start job that got no resources within maxWaitDuration."""
    message = f"No resources within scheduling.maxWaitDuration of {job.max_wait:g} s."
    return JobOutcome("FAILED", "RESOURCE_EXHAUSTED", message)
