"""Kill what is left of the jobs when the emulator is gone, however it ended.

Run as a script by a bare interpreter: it reads "+PGID" and "-PGID" lines on standard input and,
at the end of input (the emulator closed the pipe or died), kills the groups still listed.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable


def main(lines: Iterable[str]) -> None:
    """Track process groups from `lines`; kill the remaining ones when the lines end."""
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


class Reaper:
    """The emulator's side: start the script and tell it which groups live."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            bufsize=1,
        )

    def watch(self, group: int) -> None:
        """Have the group killed should the emulator end before `release`."""
        self._tell(f"+{group}\n")

    def release(self, group: int) -> None:
        """Forget a group that has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End the script; it kills whatever was not released."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened with a pipe
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was opened with a pipe
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(line)
            self._process.stdin.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    main(sys.stdin)
