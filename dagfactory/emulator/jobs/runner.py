"""The queue: jobs wait for a slot, run attempt after attempt, and report their states."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.attempt import Attempt, tail
from dagfactory.emulator.jobs.job import (
    TAIL_BYTES,
    TAIL_LINES,
    Job,
    Outcome,
    ended_early,
    failed_replica,
    insufficient_resources,
    preempted_too_often,
    timed_out,
    waited_too_long,
)
from dagfactory.emulator.jobs.process import NOT_FOUND_STATUS, Group
from dagfactory.emulator.jobs.reaper import Warden
from dagfactory.emulator.jobs.task import Report, Task

log = logging.getLogger(__name__)


class Runner:
    """Runs at most `slots` jobs at once, first come first served."""

    def __init__(
        self, directory: Path, slots: int, workdir: Path, env: dict[str, str], faults: Faults
    ) -> None:
        self.directory, self._workdir, self._env, self._faults = directory, workdir, env, faults
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="job")
        self._tasks: dict[str, Task] = {}
        self._warden = Warden()

    def submit(self, job: Job, report: Report) -> None:
        """Queue a job; `report` is called from the job's thread at every change of state."""
        task = Task(job, self.directory / job.id, report)
        self._tasks[job.id] = task
        task.report("QUEUED")
        self._pool.submit(self._run, task)

    def cancel(self, job_id: str) -> None:
        """Cancel a job that waits or runs; returns at once, a job that has ended stays so."""
        task = self._tasks.get(job_id)
        if task is not None and task.report("CANCELLING"):
            threading.Thread(target=task.end, args=("cancelled",), daemon=True).start()

    def close(self, grace: float = 2.0) -> None:
        """End every job and wait for it; their state becomes FAILED."""
        tasks = list(self._tasks.values())
        enders = [threading.Thread(target=task.end, args=("stopped", grace)) for task in tasks]
        for thread in enders:
            thread.start()
        for thread in enders:
            thread.join()
        self._pool.shutdown(wait=True)
        self._warden.close()

    def _run(self, task: Task) -> None:
        try:
            outcome = self._outcome(task)
        except Exception as error:
            log.exception("job %s", task.job.id)
            outcome = Outcome("FAILED", "INTERNAL", f"emulator failure: {error}")
        task.report(outcome.state, outcome)
        self._tasks.pop(task.job.id, None)

    def _outcome(self, task: Task) -> Outcome:
        job, delay = task.job, self._faults.queue_delay()
        patience = float("inf") if job.max_wait is None else job.max_wait
        left = patience - (time.monotonic() - task.submitted)
        if task.ended.wait(max(0.0, min(delay, left))):
            return ended_early(task.reason)
        if delay > left or left < 0:
            return waited_too_long(job)
        task.report("PENDING")
        if self._faults.out_of_stock(*job.places):
            return insufficient_resources(job)
        if job.command is None:
            return Outcome("FAILED", "INVALID_ARGUMENT", job.problem)
        return self._attempts(task, job.command)

    def _attempts(self, task: Task, command: list[str]) -> Outcome:
        """Run until an attempt ends for another reason than preemption."""
        for number in range(1, task.job.restarts + 2):
            path = task.directory / f"attempt-{number}.log"
            status, reason = self._attempt(task, command, number, path)
            if status == 0:
                return Outcome("SUCCEEDED")
            if reason != "preempted":
                return _failure(task.job, reason, status, path)
            log.warning("job %s preempted in attempt %d", task.job.id, number)
        return preempted_too_often(task.job)

    def _attempt(self, task: Task, command: list[str], number: int, path: Path) -> tuple[int, str]:
        """Run one attempt; returns its exit status and who ended it."""
        preemption = self._faults.preemption() if task.job.spot and number == 1 else None
        env = {**self._env, **task.job.env}
        try:
            group = Group(command, env, self._workdir, path, self._warden)
        except OSError as error:
            path.write_text(f"{error}\n")
            return NOT_FOUND_STATUS, ""
        task.attempt, started = Attempt(group), _now()
        (task.directory / "pid").write_text(f"{group.pid}\n")
        if task.ended.is_set():
            task.attempt.stop(task.reason, 0.0)
        task.report("RUNNING")
        status, reason = task.attempt.wait(task.job.timeout, preemption)
        task.add_attempt(
            pid=group.pid,
            started=started,
            ended=_now(),
            status=status,
            reason=reason,
            log=path.name,
        )
        return status, reason


def _failure(job: Job, reason: str, status: int, path: Path) -> Outcome:
    if reason in ("cancelled", "stopped"):
        return ended_early(reason)
    if reason == "timeout":
        return timed_out(job)
    return failed_replica(job, status, tail(path, TAIL_BYTES, TAIL_LINES))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
