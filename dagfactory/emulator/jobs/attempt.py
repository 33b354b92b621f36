"""One attempt at a job: a process group with a deadline, a possible preemption, a cancel."""

import threading
import time
from pathlib import Path

from dagfactory.emulator.faults import InjectedFault
from dagfactory.emulator.jobs.process_group import ProcessGroup

CANCEL_GRACE_S = 30.0


class Attempt:
    """Wait for a group to end; `reason` says who ended it: '', timeout, preempted, cancelled."""

    def __init__(self, group: ProcessGroup) -> None:
        self._group, self._lock, self.reason = group, threading.Lock(), ""

    def wait(self, timeout: float | None, preemption: InjectedFault | None) -> tuple[int, str]:
        """Return exit status and reason; stop the group at `timeout` s or when preempted."""
        started = time.monotonic()
        if preemption is not None and (timeout is None or preemption.number < timeout):
            status = self._group.wait(preemption.number)
            if status is not None:
                return status, self.reason
            self.stop("preempted", preemption.grace)
        left = None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
        status = self._group.wait(left)
        if status is None:
            self.stop("timeout", CANCEL_GRACE_S)
            status = self._group.wait()
        assert status is not None  # noqa: S101 - a wait without a limit ends with a status
        return status, self.reason

    def stop(self, reason: str, grace: float = CANCEL_GRACE_S) -> None:
        """End the group; the first reason given is the one kept."""
        with self._lock:
            self.reason = self.reason or reason
        self._group.stop(grace)


def tail(log: Path, size: int, lines: int) -> str:
    """Return the last `lines` lines among the last `size` bytes of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
