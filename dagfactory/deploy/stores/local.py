"""A folder on this machine, with generations made from when and where a file was written."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dagfactory.compiler.bundle.bundle import HEADER, tidy
from dagfactory.compiler.bundle.plan_paths import FOLDER
from dagfactory.compiler.bundle.sidecars import is_ours
from dagfactory.deploy.errors import DestinationChangedError, DestinationError, RefusedError
from dagfactory.deploy.stores import NEW, Store, StoredFile
from dagfactory.deploy.stores._file_lock import LOCK, Held, held
from dagfactory.project.content_name import kind_of
from dagfactory.project.files import MOST, FileError, Folder

SCHEME = ""
# What each kind of folder holds, and nothing else: a file of somebody's beside it is not ours.
_SHAPES = {
    "runtime": re.compile(r"[^/]+\.py"),
    "package": re.compile(r"[^/]+\.whl"),
    "code": re.compile(r".+"),
}
_GENERATION_BYTES = 6  # an exact integer in every JSON reader


@dataclass(frozen=True, slots=True)
class LocalFile(StoredFile):
    """A file of a folder, which is read only when somebody asks for its content."""

    folder: Folder | None = None
    path: str = ""

    def has_content(self, content: bytes) -> bool:
        """Return whether the file has this content; one that is not a regular file has none."""
        # sizes first: a stranger's file beside ours may be larger than the memory
        return self.size == len(content) and self._read() == content

    def is_marked(self) -> bool:
        """Return whether the file looks like ours: by its folder, a DAG file or plan by its content."""
        # a folder has no metadata that every file system keeps and every copy drops
        if self.path.startswith(FOLDER):
            return is_ours(self.path, self._readable())
        if "/" in self.path:
            shape = _SHAPES.get(kind_of(self.path))
            return bool(shape and shape.fullmatch(self.path.partition("/")[2]))
        return self.path.endswith(".py") and self._readable().startswith(HEADER)

    def _readable(self) -> bytes:
        """Return the content; nothing for a file that is too large, or may not be read."""
        if 0 <= self.size <= MOST:
            with suppress(FileError):  # one that may not be read is nobody's
                return self._read() or b""
        return b""

    def _read(self) -> bytes | None:
        return self.folder.read(self.path) if self.folder else None


class LocalStore:
    """A folder, made on the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = Folder(folder)
        self.address = str(folder)

    def listing(self) -> dict[str, StoredFile]:
        """Return every file below the folder; links to folders are not followed."""
        with self._alone():
            return {path: self._item(path) for path in self._walk()}

    def read(self, path: str, *, generation: int) -> bytes:
        """Return a file's content."""
        with self._alone():
            self._expect(path, generation)
            content = self._files.read(path)
        if content is None:
            raise DestinationChangedError(self.address, path)
        return content

    def write(self, path: str, content: bytes, *, generation: int) -> int:
        """Write a file through a temporary neighbour and a rename."""
        target = self._inside(path)
        with _plainly(f"cannot write {target}"):
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                item = self._item(path)
                if item.generation != generation and item.has_content(content):
                    return item.generation
                self._expect(path, generation)
                self._files.write(path, content)
                return self._item(path).generation

    def delete(self, path: str, *, generation: int) -> None:
        """Delete a file and the folders that it leaves empty."""
        target = self._inside(path)
        with _plainly(f"cannot delete {target}"), self._alone():
            if not os.path.lexists(target):
                return
            self._expect(path, generation)
            content = self._files.read(path)
            if content is not None:
                self._files.remove(path, hashlib.sha256(content).hexdigest())

    def tidy(self) -> None:
        """Remove temporary files that no living process writes."""
        with _plainly(f"cannot tidy {self._folder}"):
            tidy(self._folder)

    def lock(self) -> AbstractContextManager[Held]:
        """Lock a file beside the others; the system frees the lock of a process that has died."""
        return held(self._folder / LOCK)

    def _walk(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                yield Path(folder, name).relative_to(self._folder).as_posix()

    def _item(self, path: str) -> StoredFile:
        """Describe a file; one that is not a regular file equals no content."""
        try:
            status = (self._folder / path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return StoredFile(size=-1, generation=NEW)
        if not stat.S_ISREG(status.st_mode):
            return StoredFile(size=-1, generation=-1)
        return LocalFile(status.st_size, _generation(status), folder=self._files, path=path)

    def _expect(self, path: str, generation: int) -> None:
        """Raise DestinationChangedError unless a file has the expected generation."""
        if self._item(path).generation != generation:
            raise DestinationChangedError(self.address, path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other syncs of this folder out between a look and what follows from it."""
        # A file system has no compare-and-swap. Whoever is not a sync can still come in between.
        try:
            handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            yield
            return
        try:
            with suppress(OSError):  # a network's file system may know no locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _inside(self, path: str) -> Path:
        """Return the path of a file; raises RefusedError where a link leads out of the folder."""
        target = self._folder / path
        if not target.parent.resolve().is_relative_to(self._folder.resolve()):
            raise RefusedError(f"{target.parent} is a link that leads out of {self._folder}")
        return target


def connect(destination: str) -> Store:
    """Return the store of a folder, which need not exist yet."""
    folder = Path(destination)
    if not destination or folder.resolve() == Path(folder.resolve().anchor):
        raise DestinationError(f"a bundle cannot go to `{destination}`; name a folder")
    if os.path.lexists(folder) and not folder.is_dir():
        raise DestinationError(f"{folder} is not a folder")
    return LocalStore(folder)


@contextmanager
def _plainly(what: str) -> Iterator[None]:
    """Turn what the operating system or the project refuses into a RefusedError."""
    try:
        yield
    except OSError as error:
        raise RefusedError(f"{what}: {error.strerror}") from error
    except FileError as error:
        raise RefusedError(f"{what}: {error}") from error


def _generation(status: os.stat_result) -> int:
    """Return a number that another write changes, whatever it writes."""
    # every write of ours is a new file (an inode) with a time in nanoseconds
    text = f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"
    digest = hashlib.sha256(text.encode()).digest()
    return NEW + 1 + int.from_bytes(digest[:_GENERATION_BYTES])
