"""Files on disk: written whole or not at all, removed without leaving empty folders behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagfactory.diagnostics.diagnostic import DagfactoryError


class FileError(DagfactoryError):
    """A file or folder that cannot be read, written or removed."""

    exit_code = 4


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what the operating system refuses into one plain line; raises FileError."""
    try:
        yield
    except OSError as error:
        raise plain(error) from None


def plain(error: OSError) -> FileError:
    """Return what the operating system refused, and of which file, as one line."""
    name = error.filename2 or error.filename
    place = f": {name}" if name else ""
    return FileError(f"{(error.strerror or str(error)).lower()}{place}")


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file through a temporary neighbour and a rename, readable by everyone."""
    folder = path.parent
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(handle, 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove(path: Path, *, within: Path) -> None:
    """Remove a file and the folders below `within` that it leaves empty (bytecode caches included)."""
    path.unlink(missing_ok=True)
    folder = path.parent
    while folder not in (within, folder.parent):
        _drop_bytecode(folder)
        if any(folder.iterdir()):
            return
        folder.rmdir()
        folder = folder.parent


def _drop_bytecode(folder: Path) -> None:
    """Remove `__pycache__` from a folder that holds no Python source any more."""
    cache = folder / "__pycache__"
    if cache.is_dir() and not any(folder.glob("*.py")):
        for file in cache.iterdir():
            file.unlink()
        cache.rmdir()
