"""Programs that tests start: each of them ends, and none looks at the terminal."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Found = TypeVar("Found")

LIMIT = 300.0
"""Seconds after which a program has failed: half of what pytest gives a test."""


def run(
    command: Sequence[Any], *, timeout: float = LIMIT, **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Run a program to its end, as `subprocess.run` does, without this process's standard input."""
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(command, timeout=timeout, **options)  # noqa: PLW1510 - the caller says


def output(command: Sequence[Any], **options: Any) -> str:
    """Run a program that must succeed, and return what it prints."""
    done = run(command, check=True, stdout=subprocess.PIPE, text=True, **options)
    return str(done.stdout)


class started(subprocess.Popen[Any]):  # noqa: N801 - reads as a function does
    """A program that is killed when its block is left, and after `limit` seconds in any case.

    Whatever a test waits for, a line or the end, comes by then: the pipes of a killed program end.
    """

    def __init__(
        self, command: Sequence[Any], *, limit: float | None = LIMIT, **options: Any
    ) -> None:
        super().__init__(command, **{"stdin": subprocess.DEVNULL} | options)
        self._timer = threading.Timer(limit or 0, self.kill)
        self._timer.daemon = True
        if limit is not None:
            self._timer.start()

    def __exit__(self, *error: object) -> None:
        self.kill()
        super().__exit__(*error)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, after which there is nothing to kill."""
        status = super().wait(timeout)
        self._timer.cancel()
        return status


def wait_until(look: Callable[[], Found], seconds: float = 60.0, pause: float = 0.05) -> Found:
    """Look again and again until something is there, and return it."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"nothing after {seconds:.0f} s"
        time.sleep(pause)
    return found
