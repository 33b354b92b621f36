"""What several tests look at: which processes still use a folder."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest


@pytest.fixture(scope="session")
def alive_in() -> Callable[[Path], list[int]]:
    """Return the processes that name a folder in their arguments or hold a file below it open."""
    return lambda folder: [
        pid
        for pid in psutil.pids()
        if pid != os.getpid()
        and any(str(folder) in word for word in _words(Path("/proc", str(pid))))
    ]


def _words(process: Path) -> list[str]:
    words: list[str] = []
    with contextlib.suppress(OSError):
        words.append((process / "cmdline").read_text(errors="replace"))
    with contextlib.suppress(OSError):
        for link in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                words.append(str(link.readlink()))
    return words
