"""The queue: jobs wait for a slot, run attempt after attempt, and report their states."""

import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs.attempt import Attempt, tail
from dagfactory.emulator.jobs.job import (
    TAIL_BYTES,
    TAIL_LINES,
    Job,
    Outcome,
    failed_replica,
    insufficient_resources,
    preempted_too_often,
    timed_out,
    waited_too_long,
)
from dagfactory.emulator.jobs.process import NOT_FOUND_STATUS, Group
from dagfactory.emulator.jobs.warden import Warden

log = logging.getLogger(__name__)
Report = Callable[[str, Outcome | None], None]  # state suffix, and the outcome once it is known
STOPPED = "The emulator was stopped while the job ran."


class Task:
    """A submitted job: its directory, its live attempt and whether it was asked to end."""

    def __init__(self, job: Job, directory: Path, report: Report) -> None:
        self.job, self.directory, self._report = job, directory, report
        self.ended, self.reason = threading.Event(), ""
        self.attempt: Attempt | None = None
        self.submitted = time.monotonic()
        self.record: dict[str, Any] = {**job.record, "attempts": []}
        directory.mkdir(parents=True, exist_ok=True)

    def report(self, state: str, outcome: Outcome | None = None) -> None:
        """Write job.json, then tell the service."""
        self.record["state"] = state
        if outcome is not None and outcome.message:
            self.record["error"] = outcome.message
        self.write()
        log.info("job %s %s", self.job.id, state)
        self._report(state, outcome)

    def end(self, reason: str, grace: float) -> None:
        """Ask the job to end, whether it waits or runs."""
        self.reason = self.reason or reason
        self.ended.set()
        if self.attempt is not None:
            self.attempt.stop(reason, grace)

    def write(self) -> None:
        """Write job.json through a temporary file."""
        path = self.directory / "job.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.record, indent=2, sort_keys=True) + "\n")
        temporary.replace(path)


class Runner:
    """Runs at most `slots` jobs at once, first come first served."""

    def __init__(
        self, directory: Path, slots: int, workdir: Path, env: dict[str, str], faults: Faults
    ) -> None:
        self._directory, self._workdir, self._env, self._faults = directory, workdir, env, faults
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="job")
        self._tasks: dict[str, Task] = {}
        self._warden = Warden()

    def submit(self, job: Job, report: Report) -> None:
        """Queue a job; `report` is called from the job's thread at every change of state."""
        task = Task(job, self._directory / job.id, report)
        self._tasks[job.id] = task
        task.report("QUEUED")
        self._pool.submit(self._run, task)

    def cancel(self, job_id: str) -> None:
        """Cancel a job that waits or runs (SIGTERM, 30 s, SIGKILL); returns at once."""
        task = self._tasks.get(job_id)
        if task is None or task.record["state"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return
        task.report("CANCELLING")
        threading.Thread(target=task.end, args=("cancelled", 30.0), daemon=True).start()

    def close(self, grace: float = 2.0) -> None:
        """End every job and wait for it; their state becomes FAILED."""
        enders = [
            threading.Thread(target=task.end, args=("stopped", grace))
            for task in self._tasks.values()
        ]
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
        del self._tasks[task.job.id]

    def _outcome(self, task: Task) -> Outcome:
        job, delay = task.job, self._faults.queue_delay()
        patience = float("inf") if job.max_wait is None else job.max_wait
        left = patience - (time.monotonic() - task.submitted)
        if task.ended.wait(max(0.0, min(delay, left))):
            return _ended(task.reason)
        if delay > left or left < 0:
            return waited_too_long(job)
        task.report("PENDING")
        if self._faults.out_of_stock(*job.places):
            return insufficient_resources(job)
        if job.command is None:
            return Outcome("FAILED", "INVALID_ARGUMENT", job.problem)
        return self._attempts(task, job.command)

    def _attempts(self, task: Task, command: list[str]) -> Outcome:
        for number in range(1, task.job.restarts + 2):
            preemption = self._faults.preemption() if task.job.spot and number == 1 else None
            path = task.directory / f"attempt-{number}.log"
            try:
                group = Group(
                    command, {**self._env, **task.job.env}, self._workdir, path, self._warden
                )
            except OSError as error:
                path.write_text(f"{error}\n")
                return failed_replica(task.job, NOT_FOUND_STATUS, str(error))
            task.attempt = attempt = Attempt(group)
            started = _now()
            (task.directory / "pid").write_text(f"{group.pid}\n")
            if task.ended.is_set():
                attempt.stop(task.reason, 0.0)
            elif number == 1:
                task.report("RUNNING")
            status = attempt.wait(task.job.timeout, preemption)
            task.record["attempts"].append(
                {
                    "pid": group.pid,
                    "started": started,
                    "ended": _now(),
                    "status": status,
                    "reason": attempt.reason,
                    "log": path.name,
                }
            )
            if status == 0:
                return Outcome("SUCCEEDED")
            if attempt.reason != "preempted":
                break
            task.write()
            log.warning("job %s preempted in attempt %d", task.job.id, number)
        return _failure(task, attempt.reason, status, path)


def _failure(task: Task, reason: str, status: int, path: Path) -> Outcome:
    if reason in ("cancelled", "stopped"):
        return _ended(reason)
    if reason == "timeout":
        return timed_out(task.job)
    if reason == "preempted":
        return preempted_too_often(task.job)
    return failed_replica(task.job, status, tail(path, TAIL_BYTES, TAIL_LINES))


def _ended(reason: str) -> Outcome:
    if reason == "cancelled":
        return Outcome("CANCELLED", "CANCELLED", "The job was cancelled.")
    return Outcome("FAILED", "INTERNAL", STOPPED)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
