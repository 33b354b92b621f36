"""A job on the machines that were asked for: the price that it runs at, and how long it waits for them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowFailException

from . import jobspec, jobstate
from .labels import PREFIX
from .launched import LaunchedJobOperator
from .taskjobs import Job

CHOICE_LABEL = f"{PREFIX}choice"
EARLY_LOOKS, EARLY_PAUSE = 3, 2.0
FLEX_GRACE = 600.0


class PlacedJobOperator(LaunchedJobOperator):
    """A job that is asked for in one place or another, each with its machines and its way to buy them."""

    def _placement(self, choice: int) -> tuple[str, dict[str, Any]]:
        """Return the region and the job of a choice: 0 as asked, n the n-th fallback."""
        raise NotImplementedError

    def created_job(self, created: Job) -> dict[str, Any] | None:
        """Return the job that Vertex AI made of what was asked for, None while it does not say."""
        raise NotImplementedError

    def _verify_early(self, created: Job) -> None:
        """Look a few times for the job behind a new pipeline, which Vertex AI names a little later."""
        for _ in range(EARLY_LOOKS):
            self._verify(created)
            if "unverified" not in self._notes:
                return
            time.sleep(EARLY_PAUSE)
            created = self._get(created["name"])

    def _verify(self, job: Job) -> None:
        """Cancel a job that runs on machines of another price than requested."""
        # Read back and not trusted: a training at the standard price costs several times that of Spot.
        # What was asked for at that price cannot become dearer, and requests are counted.
        _, wanted = self._placement(choice_of(job))
        if jobspec.strategy_of(wanted) == jobspec.STANDARD:
            return
        spec = self.created_job(job)
        if spec is None:
            self._notes["unverified"] = True
            return
        self._notes.pop("unverified", None)
        problem = jobspec.strategy_problem(wanted, spec)
        if problem and jobstate.is_live(job):
            self._jobs.cancel(job["name"], problem)
            raise AirflowFailException(f"{job['name']} was cancelled: {problem}")
        if problem:
            self.log.error("%s has run to its end, though %s", job["name"], problem)

    def _say_if_unverified(self, job: Job) -> None:
        """Log what is only known now, or never, of the price that a job has run at."""
        if "unverified" in self._notes:
            self._verify(job)
        if "unverified" in self._notes:
            self.log.warning("%s: Vertex AI never said with which strategy it ran", job["name"])

    def _patience_left(self, job: Job) -> float | None:
        """Return the seconds that a job may still wait for a machine, None for no limit."""
        _, wanted = self._placement(choice_of(job))
        limit = jobspec.max_wait(wanted)
        if limit is None or not jobstate.is_waiting(self._job_behind(job) or job):
            return None
        # Vertex AI itself ends the wait of a flex-start job
        grace = FLEX_GRACE if jobspec.strategy_of(wanted) == jobspec.FLEX_START else 0.0
        return limit + grace - age(job)

    def _given_up(self, job: Job) -> str:
        """Return why this task has cancelled a job that waited; kept, for it may be asked again."""
        return str(self._notes.get("given_up", {}).get(job["name"], ""))

    def _give_up(self, job: Job) -> NoReturn:
        """Cancel a job that has waited too long; its end leads to the next fallback."""
        reason = f"no machine within {jobspec.max_wait(self._placement(choice_of(job))[1]):.0f} s"
        # before the request: a process that dies behind it would leave what looks like a person's decision
        self._notes["given_up"] = {**self._notes.get("given_up", {}), job["name"]: reason}
        self._remember()
        self._jobs.cancel(job["name"], reason)
        self._wait(job)

    def _job_behind(self, pipeline: Job) -> Job | None:
        """Return the CustomJob that runs a pipeline, None while Vertex AI names none."""
        name = (pipeline.get("trainingTaskMetadata") or {}).get("backingCustomJob")
        if not name:
            return None
        return self.client(name.split("/")[3]).get(name)


def choice_of(pipeline: dict[str, Any]) -> int:
    """Return which choice a job was launched with: 0 as asked, n the n-th fallback."""
    return int((pipeline.get("labels") or {}).get(CHOICE_LABEL, 0))


def age(job: Job) -> float:
    """Return the seconds since a job was created."""
    created = jobstate.moment(job.get("createTime"))
    return (datetime.now(UTC) - created).total_seconds() if created else 0.0
