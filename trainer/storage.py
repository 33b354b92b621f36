"""Where files lie: paths, and addresses in a bucket, behind the same four verbs.

A file is whole or absent, in both. An address is a path, or gs://bucket/name where there is not a
Cloud Storage FUSE mount. Directories that are read or written as paths have a copy on this machine
then: inputs are fetched when they are named; outputs are written to it first, then published.
"""

import hashlib
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from trainer.errors import TrainerError

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

SCHEMA_VERSION = 1
Pieces = Sequence[bytes | memoryview]  # of one file, in their order
UPLOAD_PART = 2**23  # bytes, a multiple of 256 KiB
UPLOAD_SECONDS = 120.0  # seconds for one part, with all its repetitions
LAST = ("manifest.json", "metrics.json")  # in this order: whoever reads them finds the rest


@dataclass(frozen=True, slots=True)
class GsAddress:
    """`gs://bucket/name`, for where no mount makes it a path."""

    address: str

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str) -> "GsAddress":
        return GsAddress(f"{self.address.rstrip('/')}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.address.rstrip("/").rpartition("/")[2]

    @property
    def parent(self) -> "GsAddress":
        """All but the last part."""
        return GsAddress(self.address.rstrip("/").rpartition("/")[0])


Location = Path | GsAddress
AnyLocation = TypeVar("AnyLocation", Path, GsAddress, Path | GsAddress)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file through a temporary neighbour, fsync and rename."""
    write_pieces(path, [data])


def write_pieces(path: Path, pieces: Pieces) -> None:
    """Write a file in pieces through a temporary neighbour, fsync and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # One name, not one per process: what a killed writer leaves is overwritten by the next.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:  # a full disk names no file, and its room is wanted
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from None


def write_json(path: Path, value: object) -> None:
    """Write indented JSON atomically; NaN and infinities are refused."""
    write_bytes(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON mapping; raises TrainerError with one line when there is none."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise TrainerError(f"{path} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TrainerError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise TrainerError(f"{path} does not hold a JSON mapping")
    return document


def fsync_directory(path: Path) -> None:
    """Make renames inside a directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Hex sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def describe_files(directory: Path, names: list[str]) -> dict[str, dict[str, Any]]:
    """`{name: {"sha256", "bytes"}}` of files in a directory."""
    return {
        name: {"sha256": sha256(directory / name), "bytes": (directory / name).stat().st_size}
        for name in names
    }


def describe_pieces(pieces: Pieces) -> dict[str, str | int]:
    """`{"sha256", "bytes"}` of a file made of pieces."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return {"sha256": digest.hexdigest(), "bytes": sum(map(len, pieces))}


def damaged_files(directory: Path, files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Compare files with their description; one line for each problem."""
    problems = (damage(directory, name, expected) for name, expected in files.items())
    return [problem for problem in problems if problem]


def damage(directory: Path, name: str, expected: object) -> str | None:
    """Compare one file with its description; a name that leaves the directory is a problem."""
    path = directory / name
    if name != Path(name).name or path.is_symlink():
        return f"{name} is not a plain file of {directory}"
    if not isinstance(expected, Mapping) or not {"bytes", "sha256"} <= expected.keys():
        return f"{name} has no checksum"
    if not path.is_file():
        return f"{name} is missing"
    if path.stat().st_size != expected["bytes"]:
        return f"{name} has {path.stat().st_size} bytes, not {expected['bytes']}"
    return None if sha256(path) == expected["sha256"] else f"{name} does not match its sha256"


def check_model(directory: Path) -> None:
    """Compare a model directory with its manifest, where it has one; raises TrainerError."""
    if (directory / "manifest.json").is_file():
        files = read_json(directory / "manifest.json").get("files")
        problems = damaged_files(directory, files) if isinstance(files, dict) else ["no checksums"]
        if problems:
            raise TrainerError(f"damaged model in {directory}: {problems[0]}")


def write_manifest(directory: Path, names: list[str]) -> None:
    """Write manifest.json: sha256 and size of each named file of a model directory."""
    manifest = {"schema_version": SCHEMA_VERSION, "files": describe_files(directory, names)}
    write_json(directory / "manifest.json", manifest)


def write_metrics(directory: Path, metrics: Mapping[str, float], step: int) -> None:
    """Write metrics.json, the last file of a finished program; non-finite numbers become null."""
    values = {
        name: value if math.isfinite(value) else None for name, value in sorted(metrics.items())
    }
    document = {
        "schema_version": SCHEMA_VERSION,
        "metrics": values,
        "step": step,
        "complete": True,
    }
    write_json(directory / "metrics.json", document)


def outputs_whole(directory: Path) -> bool:
    """Whether a finished run left all its outputs behind, undamaged."""
    try:
        files = read_json(directory / "manifest.json")["files"]
        complete = read_json(directory / "metrics.json")["complete"]
    except (TrainerError, KeyError):
        return False
    return bool(complete) and not damaged_files(directory, files)


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
        """Read a plain file of at most so many bytes: not a link, not a pipe."""
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


@contextmanager
def bucket_errors(doing: str) -> Iterator[None]:
    """Turn what the client library raises into an OSError of one line.

    A disk that fails raises the same: neither says anything about what lies there, so that a
    checkpoint that cannot be reached is never taken for a damaged one, passed over and pruned.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, DataCorruption, InvalidResponse) as error:
        reason = " ".join(str(error).split())[:300]
        raise OSError(f"cannot {doing}: {reason}") from None


class BucketStorage:
    """Objects of Cloud Storage; their names with slashes look like folders.

    An upload larger than a part goes up in parts, each tried again when the service is busy. It
    carries the generation that it replaces, 0 for none: sent twice, or by two writers, it counts
    once.
    """

    def __init__(self) -> None:
        # Here, not above: the package is optional, and importing it costs half a second.
        from google.cloud.storage import Client

        with bucket_errors("reach Cloud Storage"):
            self.client = Client()

    def names(self, folder: str) -> list[str]:
        """List the objects under a prefix up to the next slash."""
        bucket, prefix = self._split(folder, folder=True)
        with bucket_errors(f"list {folder}"):
            found = self.client.list_blobs(bucket, prefix=prefix, delimiter="/")
            names = [blob.name for blob in found]
        return sorted(name.removeprefix(prefix) for name in [*names, *found.prefixes])

    def read(self, address: str, largest: int | None = None) -> bytes:
        """Read one generation of an object; the client checks its crc32c."""
        bucket, name = self._split(address)
        with bucket_errors(f"read {address}"):
            blob = bucket.get_blob(name)
            if blob is None:
                raise FileNotFoundError(address)
            check_size(address, blob.size, largest)
            data: bytes = blob.download_as_bytes(if_generation_match=blob.generation)
        return data

    def write(self, address: str, pieces: Pieces) -> None:
        """Upload an object on the condition that nobody has written it since it was looked at."""
        from google.api_core.exceptions import PreconditionFailed

        bucket, name = self._split(address)
        blob, stream = bucket.blob(name, chunk_size=UPLOAD_PART), PiecesStream(pieces)
        with bucket_errors(f"write {address}"):
            seen = bucket.get_blob(name)
            try:
                blob.upload_from_file(
                    stream,
                    size=stream.size,
                    if_generation_match=seen.generation if seen else 0,
                    checksum="crc32c",
                    timeout=UPLOAD_SECONDS,
                )
            except PreconditionFailed:
                # The answer to an earlier try was lost, or somebody else writes here.
                if not self._holds(bucket, name, pieces):
                    raise TrainerError(f"{address} was written by somebody else") from None

    def remove(self, address: str) -> None:
        """Remove an object and all objects under it."""
        from google.api_core.exceptions import NotFound

        bucket, name = self._split(address)
        with bucket_errors(f"remove {address}"):
            under = self.client.list_blobs(bucket, prefix=f"{name}/")
            for blob in [bucket.blob(name), *under]:
                with suppress(NotFound):
                    blob.delete()

    def _holds(self, bucket: "Bucket", name: str, pieces: Pieces) -> bool:
        """Whether an object has the contents that were to be written."""
        blob: Blob | None = bucket.get_blob(name)
        return blob is not None and bool(blob.download_as_bytes() == b"".join(pieces))

    def _split(self, address: str, *, folder: bool = False) -> "tuple[Bucket, str]":
        """Bucket and name of an address; the name of a folder ends with a slash."""
        bucket, _, name = address.removeprefix("gs://").partition("/")
        name = name.rstrip("/")
        return self.client.bucket(bucket), f"{name}/" if folder and name else name


class PiecesStream(io.RawIOBase):
    """Pieces as one file to read from, without joining them; can go back, for repetitions."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces: Sequence[memoryview] = [memoryview(piece) for piece in pieces]
        self.size = sum(map(len, self.pieces))
        self.position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can go back: yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        self.position = base + offset
        return self.position

    def read(self, size: int = -1) -> bytes:
        """Read up to so many bytes across pieces."""
        end = self.size if size < 0 else min(self.size, self.position + size)
        parts, begin = [], 0
        for piece in self.pieces:
            low, high = max(self.position - begin, 0), min(end - begin, len(piece))
            if low < high:
                parts.append(piece[low:high])
            begin += len(piece)
        self.position = max(self.position, end)
        return b"".join(parts)


def storage_of(location: Location) -> Storage:
    """Return the storage that an address belongs to."""
    return bucket_storage() if isinstance(location, GsAddress) else LocalStorage()


@cache
def bucket_storage() -> Storage:
    """One client for the whole process; raises TrainerError without the client library."""
    try:
        return BucketStorage()
    except ImportError:
        raise TrainerError(
            "gs:// addresses need the Cloud Storage FUSE mount at /gcs, or the package "
            "google-cloud-storage"
        ) from None


def read_file(location: Location, largest: int | None = None) -> bytes:
    """Read the file at a location."""
    return storage_of(location).read(str(location), largest)


def scratch(address: GsAddress) -> Path:
    """Return the directory of this machine, and of this user, that stands for a bucket's folder."""
    home = Path(tempfile.gettempdir()) / f"trainer-{os.getuid()}"
    return home / str(address).removeprefix("gs://").rstrip("/")


def fetch(address: GsAddress) -> Path:
    """Copy a folder, a file or what a pattern is looked for in; returns the copy.

    Raises TrainerError where there is nothing.
    """
    if any(sign in address.name for sign in "*?["):
        return fetch(address.parent) / address.name
    if not fetch_folder(address) and not fetch_file(address):
        raise TrainerError(f"nothing is at {address}")
    return scratch(address)


def fetch_folder(address: GsAddress) -> bool:
    """Copy a folder with all that is below it; False where there is none."""
    names = [name for name in storage_of(address).names(str(address)) if name]
    for name in names:
        if name.endswith("/"):
            fetch_folder(address / name[:-1])
        else:
            fetch_file(address / name)
    return bool(names)


def fetch_file(address: GsAddress) -> bool:
    """Copy a file; False where there is none."""
    target = scratch(address)
    try:
        data = storage_of(address).read(str(address))
    except FileNotFoundError:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    own = target.with_name(f".{target.name}.{os.getpid()}")  # several processes may fetch at once
    own.write_bytes(data)
    own.replace(target)
    return True


def publish(directory: Path, address: GsAddress) -> None:
    """Copy the files of a directory into a bucket, the ones that complete it last."""
    storage = storage_of(address)
    files = [path for path in directory.iterdir() if path.is_file()] if directory.is_dir() else []
    for path in sorted(files, key=lambda path: (path.name in LAST, path.name)):
        if not path.name.startswith("."):  # what a killed writer left
            storage.write(str(address / path.name), [path.read_bytes()])
