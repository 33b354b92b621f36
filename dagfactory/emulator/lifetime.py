"""When the emulator ends: on SIGTERM, SIGINT, or when the process that started it is gone."""

import os
import select
import signal
import threading
import time

POLL_S = 0.5


class Shutdown:
    """Waits for the end from the moment it is made: make it first, in the main thread."""

    def __init__(self) -> None:
        # a pipe, because a signal handler must not take the lock of a threading.Event
        self._came, self._tell = os.pipe()
        self._reason, self._parent = "", os.getppid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        threading.Thread(target=self._watch_parent, daemon=True).start()

    def wait(self) -> str:
        """Block until the emulator should end; return why."""
        os.read(self._came, 1)
        return self._reason

    def _on_signal(self, number: int, _frame: object) -> None:
        self._end(signal.Signals(number).name)

    def _watch_parent(self) -> None:
        """Wait for the parent's end.

        Not by PR_SET_PDEATHSIG: that one fires when the *thread* that started us ends, which
        would kill an emulator started from a worker thread.
        """
        descriptor = _descriptor(self._parent)
        if descriptor is not None and os.getppid() == self._parent:
            select.select([descriptor], [], [])
        while os.getppid() == self._parent:  # no descriptor: not Linux
            time.sleep(POLL_S)
        self._end("parent ended")

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        os.write(self._tell, b".")


def _descriptor(process: int) -> int | None:
    """Return a file descriptor that is readable once the process has ended, where there is one."""
    try:
        return os.pidfd_open(process) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None
