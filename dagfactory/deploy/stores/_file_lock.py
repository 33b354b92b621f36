"""The lock of a folder: one file, which the operating system unlocks when its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagfactory.deploy import waiting
from dagfactory.deploy.errors import RefusedError

LOCK = "lock"


class Held:
    """A locked file: nobody takes it from a process that lives."""

    def check(self) -> None:
        """Do nothing."""


@contextmanager
def held(path: Path) -> Iterator[Held]:
    """Wait for the lock of a destination and hold it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise RefusedError(f"cannot lock {path}: {error.strerror}") from error
    try:
        waiting.wait_for(lambda: _attempt(handle), str(path))
        yield Held()
    finally:
        os.close(handle)


def _attempt(handle: int) -> bool | None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:  # a network's file system may know no locks
        return True
    return True
