"""One process group: start, wait, stop with grace."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dagfactory.emulator.jobs.reaper import Reaper

NOT_FOUND_STATUS = 127


class ProcessGroup:
    """A command running as the leader of its own process group, output in a log file."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        workdir: Path,
        log: Path,
        reaper: Reaper,
    ) -> None:
        """Start it; raises OSError when the program cannot be executed."""
        self._reaper = reaper
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=workdir,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid, self._ended = self._process.pid, False
        reaper.watch(self.pid)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit status as a shell shows it (signal 9 -> 137), None after `timeout` s."""
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        self._signal(signal.SIGKILL)  # a container's end is the end of all of its processes
        self._ended = True
        self._reaper.release(self.pid)
        return status if status >= 0 else 128 - status

    def stop(self, grace: float) -> None:
        """Send SIGTERM, then SIGKILL when the leader still lives after `grace` seconds."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._ended:
            return  # the group's number may belong to others by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
