"""Programs that tests start: each of them ends, and none looks at the terminal."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
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


@contextlib.contextmanager
def started(
    command: Sequence[Any], *, limit: float | None = LIMIT, **options: Any
) -> Iterator[subprocess.Popen[Any]]:
    """Start a program, which is killed when the block is left and after `limit` seconds.

    Whatever a test waits for, a line or the end, comes by then: the pipes of a killed program end.
    """
    options.setdefault("stdin", subprocess.DEVNULL)
    with subprocess.Popen(command, **options) as process, contextlib.ExitStack() as end:
        end.callback(process.kill)
        if limit is not None:
            timer = threading.Timer(limit, process.kill)
            timer.daemon = True
            timer.start()
            end.callback(timer.cancel)
        yield process


def wait_until(look: Callable[[], Found], seconds: float = 60.0, pause: float = 0.05) -> Found:
    """Look again and again until something is there, and return it."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"nothing after {seconds:.0f} s"
        time.sleep(pause)
    return found
