"""The queue: jobs wait for a slot, run attempt after attempt, and report their states."""

import logging
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs import mount
from dagfactory.emulator.jobs.attempt import Attempt, tail
from dagfactory.emulator.jobs.local_job import (
    TAIL_BYTES,
    TAIL_LINES,
    JobOutcome,
    LocalJob,
    ended_early,
    failed_replica,
    insufficient_resources,
    preempted_too_often,
    waited_too_long,
)
from dagfactory.emulator.jobs.process_group import NOT_FOUND_STATUS, ProcessGroup
from dagfactory.emulator.jobs.reaper import Reaper
from dagfactory.emulator.jobs.submitted_job import Report, SubmittedJob

log = logging.getLogger(__name__)
QUOTA_POLL_S = 0.2


class Runner:
    """Runs at most `slots` jobs at once, first come first served."""

    def __init__(
        self, directory: Path, slots: int, workdir: Path, env: dict[str, str], faults: Faults
    ) -> None:
        self.directory, self._workdir, self.env, self._faults = directory, workdir, env, faults
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="job")
        self._submitted: dict[str, SubmittedJob] = {}
        self._reaper = Reaper()
        self.before_close: list[Callable[[], None]] = []

    def submit(self, job: LocalJob, report: Report) -> None:
        """Queue a job; `report` is called from the job's thread at every change of state."""
        submitted = SubmittedJob(job, self.directory / job.id, report)
        self._submitted[job.id] = submitted
        submitted.report("QUEUED")
        self._pool.submit(self._run, submitted)

    def cancel(self, job_id: str) -> None:
        """Cancel a job that waits or runs; returns at once, a job that has ended stays so."""
        submitted = self._submitted.get(job_id)
        if submitted is None or not submitted.report("CANCELLING"):
            return
        if not self._faults.loses_cancel(*submitted.job.places):
            threading.Thread(target=submitted.end, args=("cancelled",), daemon=True).start()

    def close(self, grace: float = 2.0) -> None:
        """End every job and wait for it; their state becomes FAILED."""
        for stop in self.before_close:
            stop()
        every = list(self._submitted.values())
        enders = [
            threading.Thread(target=submitted.end, args=("stopped", grace)) for submitted in every
        ]
        for thread in enders:
            thread.start()
        for thread in enders:
            thread.join()
        self._pool.shutdown(wait=True)
        self._reaper.close()

    def _run(self, submitted: SubmittedJob) -> None:
        try:
            outcome = self._outcome(submitted)
            submitted.report(outcome.state, outcome)
        except Exception as error:
            log.exception("job %s", submitted.job.id)
            failure = JobOutcome("FAILED", "INTERNAL", f"emulator failure: {error}")
            submitted.report(failure.state, failure)
        self._submitted.pop(submitted.job.id, None)

    def _outcome(self, submitted: SubmittedJob) -> JobOutcome:
        job = submitted.job
        if early := self._queue(submitted):
            return early
        submitted.report("PENDING")
        if shortage := self._faults.out_of_stock(*job.places):
            # each try finds no capacity again
            ended = submitted.ended.wait(shortage.seconds * job.retries)
            return ended_early(submitted.reason) if ended else insufficient_resources(job)
        if job.command is None:
            return JobOutcome("FAILED", "INVALID_ARGUMENT", job.problem)
        return self._attempts(submitted, job.command)

    def _queue(self, submitted: SubmittedJob) -> JobOutcome | None:
        """Let a job wait; return how it ends when it does not get out of the queue."""
        job, delay = submitted.job, self._faults.queue_delay()
        left = submitted.patience()
        quota = self._faults.without_quota(*job.places)
        while quota and self._faults.stands(quota) and left > 0:
            if submitted.ended.wait(QUOTA_POLL_S):
                return ended_early(submitted.reason)
            left -= QUOTA_POLL_S
        if submitted.ended.wait(max(0.0, min(delay, left))):
            return ended_early(submitted.reason)
        return waited_too_long(job) if delay > left or left <= 0 else None

    def _attempts(self, submitted: SubmittedJob, command: list[str]) -> JobOutcome:
        """Run until an attempt ends for another reason than preemption."""
        for number in range(1, submitted.job.restarts + 2):
            path = submitted.directory / f"attempt-{number}.log"
            status, reason = self._attempt(submitted, command, number, path)
            if status == 0:
                return JobOutcome("SUCCEEDED")
            if reason != "preempted":
                return _failure(submitted.job, reason, status, path)
            log.warning("job %s preempted in attempt %d", submitted.job.id, number)
        return preempted_too_often(submitted.job)

    def _attempt(
        self, submitted: SubmittedJob, command: list[str], number: int, path: Path
    ) -> tuple[int, str]:
        """Run one attempt; returns its exit status and who ended it."""
        preemption = self._faults.preemption() if submitted.job.spot and number == 1 else None
        env = {**self.env, **submitted.job.env}
        storage, had_place = Path(self.env["GCSFUSE_ROOT"]), mount.PLACE.exists()
        if mount.is_possible(storage):
            command = mount.wrapped(command, storage)
        else:
            path.write_text(mount.NO_MOUNT)
        try:
            group = ProcessGroup(command, env, self._workdir, path, self._reaper)
        except (OSError, ValueError) as error:  # not there, or no command line at all
            path.write_text(f"{error}\n")
            return NOT_FOUND_STATUS, ""
        submitted.attempt, started = Attempt(group), _now()
        (submitted.directory / "pid").write_text(f"{group.pid}\n")
        if submitted.ended.is_set():
            submitted.attempt.stop(submitted.reason, 0.0)
        submitted.report("RUNNING")
        status, reason = submitted.attempt.wait(submitted.job.timeout, preemption)
        if not had_place and mount.PLACE.exists():
            # out of the way, or the next attempt would find it there
            shutil.move(mount.PLACE, submitted.directory / f"gcs-{number}")
            with path.open("a") as file:
                file.write(mount.WROTE_THERE)
            status = status or 1
        submitted.add_attempt(
            pid=group.pid,
            started=started,
            ended=_now(),
            status=status,
            reason=reason,
            log=path.name,
        )
        return status, reason


def _failure(job: LocalJob, reason: str, status: int, path: Path) -> JobOutcome:
    if reason in ("cancelled", "stopped", "timeout"):
        return ended_early(reason)
    return failed_replica(job, status, tail(path, TAIL_BYTES, TAIL_LINES))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
