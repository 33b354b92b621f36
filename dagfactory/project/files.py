"""Every read, write and removal of a project's files: whole or not at all, and nothing outside of it.

CI renders what a pull request brings along, links included. A path of the project must therefore end
in the project, and below a `Folder` no link is followed at all. Files are opened from their folder's
descriptor, part by part, so that nothing can be exchanged between a check and its use.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dagfactory.diagnostics.diagnostic import DagfactoryError

MOST = 20_000_000
"""Bytes of the largest file that is read; ours are far smaller."""

ABANDONED = 60.0
"""Seconds after which a temporary file that nobody has locked was left by a process that is gone."""

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# O_NONBLOCK: opening a named pipe would wait for somebody to write into it
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_LINK = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
"""What opening a link with O_NOFOLLOW says; BSDs have EMLINK."""


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


def root() -> Path:
    """Return the folder of the project: the nearest one upwards that holds `.git`, else this one."""
    here = Path.cwd()
    return next((each for each in (here, *here.parents) if (each / ".git").exists()), here)


def leads_out(path: Path) -> bool:
    """Whether a path that is written as one of the project ends elsewhere, through a link."""
    top = root()
    written = Path(os.path.normpath(path.absolute()))
    if not written.is_relative_to(top):
        return False  # whoever names a path outside means it
    try:
        return not path.resolve().is_relative_to(top.resolve())
    except (OSError, RuntimeError):  # links in a circle lead nowhere
        return True


def read_regular(path: Path, most: int = MOST) -> bytes:
    """Return up to `most` + 1 bytes of a regular file; raises OSError, for a device or a pipe as well."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        return file.read(most + 1)


def write_atomic(path: Path, content: bytes) -> None:
    """Write one file through a temporary neighbour and a rename, readable by everyone."""
    Folder(path.parent).write(path.name, content)


class Folder:
    """A folder whose files are named by relative paths; raises FileError where a link leads out of it."""

    def __init__(self, path: Path) -> None:
        if leads_out(path):
            raise FileError(f"{path} is a link that leads out of the project")
        self._path = path

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes; None when there is none."""
        try:
            with self._opened(name) as (folder, leaf):
                handle = os.open(leaf, _FILE, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refusal(name, error) from None
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            os.close(handle)
            if stat.S_ISDIR(mode):
                return None
            raise FileError(f"{self._path / name} is not a regular file")
        with os.fdopen(handle, "rb") as file:
            content = file.read(MOST + 1)
        if len(content) > MOST:
            raise FileError(f"{self._path / name} is larger than {MOST:,} bytes")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file through a temporary neighbour and a rename, readable by everyone.

        Raises OSError with the file's path.
        """
        try:
            self._write(name, content)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path / name)) from None

    def _write(self, name: str, content: bytes) -> None:
        with self._opened(name, make=True) as (folder, leaf):
            temporary = f".{leaf[:100]}.{os.urandom(4).hex()}.tmp"  # as _TEMPORARY has it
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            handle = os.open(temporary, flags, 0o666, dir_fd=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    _lock(handle)
                    file.write(content)
                    file.flush()
                    # the kernel's own clock ticks so slowly that two writes could have one time
                    now = time.time_ns()
                    os.utime(handle, ns=(now, now))
                os.replace(temporary, leaf, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
                raise

    def tidy(self, folders: Iterable[str]) -> None:
        """Remove from folders (`""` is this one) the temporary files of processes that are gone."""
        for each in folders:
            # a folder that is no more, or a link by now, holds nothing of ours
            with (
                suppress(FileNotFoundError, FileError),
                self._opened(f"{each}/.".lstrip("/")) as it,
            ):
                for name in filter(_TEMPORARY.fullmatch, os.listdir(it[0])):  # noqa: PTH208
                    _remove_abandoned(name, it[0])

    def remove(self, name: str, sha256: str) -> bool:
        """Remove a file while it has this hash, and the folders that it leaves empty; say if it did."""
        content = self.read(name)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            return False
        with self._opened(name) as (folder, leaf):
            os.unlink(leaf, dir_fd=folder)
        for above in Path(name).parents:
            if above.name and not self._dropped(above):
                break
        return True

    def _dropped(self, name: Path) -> bool:
        """Remove a folder that holds nothing any more, bytecode of what was removed included."""
        with self._opened(str(name)) as (above, leaf):
            folder = os.open(leaf, _DIRECTORY, dir_fd=above)
            try:
                if os.listdir(folder) == ["__pycache__"]:  # noqa: PTH208 - of a descriptor
                    _drop_bytecode(folder)
            finally:
                os.close(folder)
            try:
                os.rmdir(leaf, dir_fd=above)
            except OSError:
                return False
        return True

    @contextmanager
    def _opened(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Open the folder that a file lies in, following no link below this one."""
        *above, leaf = name.split("/")
        if make:
            self._path.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in above:
                below = self._below(folder, part, name, make=make)
                os.close(folder)
                folder = below
            yield folder, leaf
        finally:
            os.close(folder)

    def _below(self, folder: int, part: str, name: str, *, make: bool) -> int:
        if make:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
        try:
            return os.open(part, _DIRECTORY, dir_fd=folder)
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise
            raise self._refusal(name, error) from None

    def _refusal(self, name: str, error: OSError) -> FileError:
        path = self._path / name
        if error.errno in _LINK:
            return FileError(f"{path} is, or lies behind, a link or a file: remove it")
        return plain(OSError(error.errno, error.strerror, str(path)))


def _lock(handle: int) -> bool:
    """Lock a file until it is closed; False where another process has, or where there are no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_abandoned(name: str, folder: int) -> None:
    """Remove a temporary file unless a process writes it."""
    # Who writes it holds its lock; the age is for the moment between making and locking it.
    with suppress(OSError):
        handle = os.open(name, _FILE, dir_fd=folder)
        try:
            status = os.fstat(handle)
            old = time.time() - status.st_mtime > ABANDONED
            if stat.S_ISREG(status.st_mode) and old and _lock(handle):
                os.unlink(name, dir_fd=folder)
        finally:
            os.close(handle)


def _drop_bytecode(folder: int) -> None:
    """Remove `__pycache__` from a folder that holds no Python source any more."""
    cache = os.open("__pycache__", _DIRECTORY, dir_fd=folder)
    try:
        for each in os.listdir(cache):  # noqa: PTH208 - of a descriptor
            os.unlink(each, dir_fd=cache)
    finally:
        os.close(cache)
    os.rmdir("__pycache__", dir_fd=folder)
