"""Where checkpoints and models lie: a file system or a bucket, behind the same four verbs.

An address is a path, or gs://bucket/name where there is no Cloud Storage FUSE mount. A file is
whole or absent, in both.
"""

import shutil
from functools import cache
from pathlib import Path
from typing import Protocol

from trainer.errors import TrainerError
from trainer.files import Pieces, fsync_directory, write_pieces
from trainer.place import GsAddress, Place


class Storage(Protocol):
    """Files at addresses; all raise OSError where a disk or a bucket does not answer."""

    def names(self, folder: str) -> list[str]:
        """List what lies directly in a folder; names of folders end with a slash, links' do not."""

    def read(self, address: str, largest: int | None = None) -> bytes:
        """Read a file; raises FileNotFoundError, TrainerError where it is odd or too large."""

    def write(self, address: str, pieces: Pieces) -> None:
        """Write a file, whole or not at all; when this returns it is there to stay."""

    def remove(self, address: str) -> None:
        """Remove a file, or a folder with all that is in it, where there is one."""


class LocalStorage:
    """Paths: temporary file, fsync, rename, fsync of the directory.

    Files are renamed, never directories: Cloud Storage FUSE refuses to rename a directory of a
    bucket without a hierarchical namespace, unless it is mounted for it.
    """

    def names(self, folder: str) -> list[str]:
        """List a directory."""
        path = Path(folder)
        if not path.is_dir():
            return []
        return sorted(
            f"{entry.name}/" if entry.is_dir() and not entry.is_symlink() else entry.name
            for entry in path.iterdir()
        )

    def read(self, address: str, largest: int | None = None) -> bytes:
        """Read a plain file of at most so many bytes: no link, no pipe."""
        path = Path(address)
        name = f"{path.parent.name}: {path.name}"
        if path.is_symlink():
            raise TrainerError(f"{name} is a link")
        if path.exists() and not path.is_file():
            raise TrainerError(f"{name} is not a plain file")
        check_size(name, path.stat().st_size, largest)
        with path.open("rb") as stream:
            return stream.read(-1 if largest is None else largest + 1)

    def write(self, address: str, pieces: Pieces) -> None:
        """Write a file that survives a power cut, as far as fsync tells."""
        path = Path(address)
        write_pieces(path, pieces)
        fsync_directory(path.parent)
        fsync_directory(path.parent.parent)

    def remove(self, address: str) -> None:
        """Remove a file, a link (not what it leads to) or a directory."""
        path = Path(address)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def check_size(name: str, size: int, largest: int | None) -> None:
    """Refuse a file that is larger than it can be."""
    if largest is not None and size > largest:
        raise TrainerError(f"{name} has {size} bytes, more than the {largest} expected at most")


def storage_of(place: Place) -> Storage:
    """Return the storage that an address belongs to."""
    return bucket_storage() if isinstance(place, GsAddress) else LocalStorage()


@cache
def bucket_storage() -> Storage:
    """One client for the whole process; raises TrainerError without the client library."""
    try:
        from trainer.bucket import BucketStorage
    except ImportError:
        raise TrainerError(
            "gs:// addresses need the Cloud Storage FUSE mount at /gcs, or the package "
            "google-cloud-storage"
        ) from None
    return BucketStorage()


def read_file(place: Place, largest: int | None = None) -> bytes:
    """Read the file at a place."""
    return storage_of(place).read(str(place), largest)
