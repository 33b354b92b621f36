"""The folder of a run: its files, wherever it lies, read up to a bound."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.results.bucket import SCHEME, BucketFolder

MOST_FILES = 200_000
"""Files of a run that are looked at: a sweep of thousands of trials has fewer."""


class NoRunError(DagfactoryError):
    """There is no run where one was named."""


class Folder(Protocol):
    """What a run wrote. Both methods raise OSError where the folder or file cannot be read."""

    @property
    def address(self) -> str:
        """The folder as a person writes it, without a final slash."""

    def files(self) -> Mapping[str, int]:
        """Return the size of each file by its path below the folder."""

    def read(self, path: str, most: int) -> bytes:
        """Return a file's first bytes."""


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder of this machine; links in it are not followed."""

    path: Path

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.path)

    def files(self) -> Mapping[str, int]:
        """Return the size of each file below the folder."""
        found: dict[str, int] = {}
        for parent, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                path = Path(parent, name)
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    found[path.relative_to(self.path).as_posix()] = state.st_size
            if len(found) > MOST_FILES:
                break
        return found

    def read(self, path: str, most: int) -> bytes:
        """Return a file's first bytes."""
        # O_NOFOLLOW, O_NONBLOCK: it may have become a link or a pipe since it was listed
        descriptor = os.open(self.path / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most)


def opened(run: str) -> Folder:
    """Return the folder of a run; raises NoRunError for what is none."""
    if run.startswith(SCHEME):
        bucket, _, prefix = run.removeprefix(SCHEME).strip("/").partition("/")
        if not bucket or not prefix:
            raise NoRunError(f"`{run}` is not a run's folder; write gs://BUCKET/runs/PIPELINE/RUN")
        return BucketFolder(bucket, prefix)
    path = Path(run)
    if not path.is_dir():
        raise NoRunError(
            f"`{run}` is not a folder; write a run's folder, here or gs://BUCKET/runs/PIPELINE/RUN"
        )
    return LocalFolder(path.resolve())
