"""A folder on this machine, with generations made from the content of files."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from dagfactory.deploy.errors import DestinationChangedError, DestinationError, RefusedError
from dagfactory.deploy.stores import NEW, Store, StoredFile
from dagfactory.project.files import FileError, Folder

SCHEME = ""
_GENERATION_BYTES = 6  # an exact integer in every JSON reader


class LocalStore:
    """A folder, made on the first write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = Folder(folder)
        self.address = str(folder)
        # two deletions at the same time would both remove the folder that they leave empty
        self._removing = Lock()

    def listing(self) -> dict[str, StoredFile]:
        """Return every file below the folder; links to folders are not followed."""
        return {path.relative_to(self._folder).as_posix(): _item(path) for path in self._walk()}

    def read(self, path: str, *, generation: int) -> bytes:
        """Return a file's content."""
        self._expect(path, generation)
        content = self._files.read(path)
        if content is None:
            raise DestinationChangedError(self.address, path)
        return content

    def write(self, path: str, content: bytes, *, generation: int) -> None:
        """Write a file through a temporary neighbour and a rename."""
        target = self._inside(path)
        if target.is_file() and target.read_bytes() == content:
            return
        self._expect(path, generation)
        try:
            self._files.write(path, content)
        except OSError as error:
            raise RefusedError(f"cannot write {target}: {error.strerror}") from error
        except FileError as error:
            raise RefusedError(f"cannot write {target}: {error}") from error

    def delete(self, path: str, *, generation: int) -> None:
        """Delete a file and the folders that it leaves empty."""
        target = self._inside(path)
        if not os.path.lexists(target):
            return
        self._expect(path, generation)
        try:
            with self._removing:
                content = self._files.read(path)
                if content is not None:
                    self._files.remove(path, hashlib.sha256(content).hexdigest())
        except OSError as error:
            raise RefusedError(f"cannot delete {target}: {error.strerror}") from error
        except FileError as error:
            raise RefusedError(f"cannot delete {target}: {error}") from error

    def _walk(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            yield from (Path(folder, name) for name in sorted(names))

    def _expect(self, path: str, generation: int) -> None:
        """Raise DestinationChangedError unless a file has the expected generation."""
        # A file system has no compare-and-swap: the file is read again right before it is replaced.
        target = self._folder / path
        current = _item(target).generation if os.path.lexists(target) else NEW
        if current != generation:
            raise DestinationChangedError(self.address, path)

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


def _item(path: Path) -> StoredFile:
    """Describe a file; one that is not a regular file has no checksum and equals no content."""
    if not path.is_file():
        return StoredFile(size=-1, generation=-1)
    with path.open("rb") as file:
        # in pieces: a stranger's file beside ours may be larger than the memory
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
    checksum = base64.b64encode(digest).decode()
    number = int.from_bytes(base64.b64decode(checksum)[:_GENERATION_BYTES])
    return StoredFile(size=path.stat().st_size, generation=NEW + 1 + number, md5=checksum)
