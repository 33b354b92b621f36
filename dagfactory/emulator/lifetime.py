"""When the emulator ends: on SIGTERM, SIGINT, or when the process that started it is gone."""

import os
import select
import signal
import threading
import time

POLL_S = 0.5


def wait_for_end() -> str:
    """Block until the emulator should end; return why. Call from the main thread."""
    ended, reason = threading.Event(), ["signal"]

    def on_signal(number: int, _frame: object) -> None:
        reason[0] = signal.Signals(number).name
        ended.set()

    def watch_parent(parent: int) -> None:
        _wait_for_process(parent)
        reason[0] = "parent ended"
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    threading.Thread(target=watch_parent, args=(os.getppid(),), daemon=True).start()
    ended.wait()
    return reason[0]


def _wait_for_process(parent: int) -> None:
    """Wait until the parent process ends.

    A process descriptor, not PR_SET_PDEATHSIG: that one fires when the *thread* that started
    us ends, which kills an emulator started from a worker thread.
    """
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(parent)
        except OSError:
            return
        if os.getppid() == parent:  # else it ended before we looked
            select.select([descriptor], [], [])
        return
    while os.getppid() == parent:  # not Linux
        time.sleep(POLL_S)
