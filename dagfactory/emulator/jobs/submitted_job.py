"""A submitted job on its way: directory, record, live attempt, request to end."""

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dagfactory.emulator.files import replace_text
from dagfactory.emulator.jobs.attempt import CANCEL_GRACE_S, Attempt
from dagfactory.emulator.jobs.local_job import JobOutcome, LocalJob

log = logging.getLogger(__name__)
Report = Callable[[str, JobOutcome | None], None]  # state suffix, and the outcome once it is known
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


class SubmittedJob:
    """Keeps jobs/ID/job.json and the service up to date with one job."""

    def __init__(self, job: LocalJob, directory: Path, report: Report) -> None:
        self.job, self.directory, self._report = job, directory, report
        self.ended, self.reason = threading.Event(), ""
        self.attempt: Attempt | None = None
        self.queued_at = time.monotonic()
        self._record: dict[str, Any] = {**job.record, "attempts": [], "state": ""}
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def report(self, state: str, outcome: JobOutcome | None = None) -> bool:
        """Move on to a state unless that would be a step back; say whether it was taken."""
        with self._lock:
            before = self._record["state"]
            if before in FINAL or (before == "CANCELLING" and state not in FINAL):
                return False
            self._record["state"] = state
            if outcome is not None and outcome.message:
                self._record["error"] = outcome.message
            self._write()
            log.info("job %s %s", self.job.id, state)
            try:
                self._report(state, outcome)
            except Exception:  # the state was not reached: another one, a failure, may follow
                self._record["state"] = before
                raise
            return True

    def patience(self) -> float:
        """Return how many seconds it may still wait for its machine."""
        longest = float("inf") if self.job.max_wait is None else self.job.max_wait
        return longest - (time.monotonic() - self.queued_at)

    def add_attempt(self, **facts: Any) -> None:
        """Record an attempt that has ended."""
        with self._lock:
            self._record["attempts"].append(facts)
            self._write()

    def end(self, reason: str, grace: float = CANCEL_GRACE_S) -> None:
        """Have the job end, whether it waits or runs: SIGTERM, `grace` seconds, SIGKILL."""
        self.reason = self.reason or reason
        self.ended.set()
        if self.attempt is not None:
            self.attempt.stop(reason, grace)

    def _write(self) -> None:
        text = json.dumps(self._record, indent=2, sort_keys=True) + "\n"
        replace_text(self.directory / "job.json", text)
