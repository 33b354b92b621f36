"""Objects on disk: bytes as plain files, everything else in side files.

A file that changed without the API (a job wrote it through the FUSE path) is noticed by its
modification time, inode and size, and becomes a new generation the next time it is looked at.
"""

import hashlib
import json
import mimetypes
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.storage import object_paths
from dagfactory.emulator.storage.preconditions import Preconditions
from dagfactory.emulator.storage.record import ObjectRecord, checksums, timestamp

DEFAULT_TYPE = "application/octet-stream"
FOLDER_STAMP = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Draft:
    """Content about to become an object: a temporary file, settings, conditions."""

    bucket: str
    name: str
    source: Path
    settings: dict[str, Any]
    conditions: Preconditions
    components: int = 0


class ObjectStore:
    """All objects below `root`; side files and unfinished uploads lie in `side`."""

    def __init__(self, root: Path, side: Path) -> None:
        self.root, self._side = root, side
        self._lock, self._records = threading.RLock(), dict[tuple[str, str], ObjectRecord]()
        self._last_generation = 0
        self.uploads = side / "uploads"
        for directory in (root, self.uploads):
            directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out between a check and a write."""
        with self._lock:
            yield

    def find(self, bucket: str, name: str) -> ObjectRecord | None:
        """Return the live object, or None."""
        path = object_paths.object_path(self.root, bucket, name)
        with self._lock:
            stamp = _stamp(path, folder=name.endswith(object_paths.FOLDER))
            known = self._known(bucket, name)
            if stamp is None or (stamp == FOLDER_STAMP and known is None):
                return None
            if known is not None and known.stamp == stamp:
                return known
            return self._noticed(bucket, name, stamp, known)

    def get(self, bucket: str, name: str, generation: str | int | None = None) -> ObjectRecord:
        """Return the live object; raises NOT_FOUND, also when it has another generation."""
        record = self.find(bucket, name)
        if record is None or str(generation or record.generation) != str(record.generation):
            raise ApiError("NOT_FOUND", f"No such object: {bucket}/{name}")
        return record

    def path(self, record: ObjectRecord) -> Path:
        """Return the file with an object's bytes."""
        return object_paths.object_path(self.root, record.bucket, record.name)

    def temporary(self) -> Path:
        """Return a new path for bytes that are not an object yet."""
        return self.uploads / uuid4().hex

    def put(self, draft: Draft) -> ObjectRecord:
        """Make the draft the live object; its file is moved. Raises 412 and 400."""
        sums = checksums(draft.source)
        _verify(draft.settings, *sums)
        with self._lock:
            old = self.find(draft.bucket, draft.name)
            draft.conditions.check(old)
            stamp, generation = self._place(draft, self._next_generation(old))
            fresh = _fresh(draft.bucket, draft.name, generation, stamp, sums, DEFAULT_TYPE)
            record = fresh.patched(draft.settings)
            return self._keep(replace(record, metageneration=1, components=draft.components))

    def change(self, record: ObjectRecord) -> ObjectRecord:
        """Keep a record with changed settings."""
        with self._lock:
            return self._keep(record)

    def delete(self, record: ObjectRecord) -> None:
        """Remove an object."""
        with self._lock:
            path = self.path(record)
            if record.stamp != FOLDER_STAMP:
                path.unlink(missing_ok=True)
            self._records.pop((record.bucket, record.name), None)
            self._side_file(record.bucket, record.name).unlink(missing_ok=True)

    def list_names(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the names of a bucket's objects that begin with `prefix`, in byte order."""
        top = object_paths.bucket_path(self.root, bucket)
        start = top.joinpath(*prefix.split("/")[:-1]) if ".." not in prefix else top
        found = [name for name in _walk(start, top) if name.startswith(prefix)]
        folders = [n for n in self._folders(bucket) if n.startswith(prefix)]
        return sorted({*found, *folders}, key=str.encode)

    def _folders(self, bucket: str) -> list[str]:
        index = self._side / "o" / bucket
        files = index.glob("folder-*.json") if index.is_dir() else ()
        folders = [json.loads(file.read_text())["name"] for file in files]
        return [name for name in folders if self.find(bucket, name) is not None]

    def _noticed(
        self, bucket: str, name: str, stamp: tuple[int, int, int], old: ObjectRecord | None
    ) -> ObjectRecord | None:
        """Record a file that appeared or changed without the API."""
        try:
            sums = checksums(object_paths.object_path(self.root, bucket, name))
        except FileNotFoundError:
            return None  # gone again: a job's temporary file
        kind = mimetypes.guess_type(name)[0] or DEFAULT_TYPE
        generation = stamp[0] if old is None else max(stamp[0], old.generation + 1)
        return self._keep(_fresh(bucket, name, generation, stamp, sums, kind))

    def _next_generation(self, old: ObjectRecord | None) -> int:
        floor = max(self._last_generation, 0 if old is None else old.generation) + 1
        self._last_generation = max(time.time_ns(), floor)
        return self._last_generation

    def _place(self, draft: Draft, generation: int) -> tuple[tuple[int, int, int], int]:
        """Move a finished file to its name; its modification time becomes the generation."""
        source, name = draft.source, draft.name
        target = object_paths.object_path(self.root, draft.bucket, name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(object_paths.FOLDER):
                target.mkdir(exist_ok=True)
                source.unlink()
                return FOLDER_STAMP, generation
            os.utime(source, ns=(generation, generation))
            if target.is_dir():
                target.rmdir()  # a directory without objects is nothing in Cloud Storage
            source.replace(target)
        except OSError as error:
            raise ApiError(
                "INVALID_ARGUMENT",
                f"The emulator keeps objects as files and cannot hold {name!r} beside an object "
                f"of which it is a folder, or the other way round ({error.strerror}).",
            ) from None
        status = target.stat()
        return (status.st_mtime_ns, status.st_ino, status.st_size), generation

    def _known(self, bucket: str, name: str) -> ObjectRecord | None:
        record = self._records.get((bucket, name))
        if record is None:
            file = self._side_file(bucket, name)
            if not file.exists():
                return None
            record = ObjectRecord.from_json(json.loads(file.read_text()))
            self._records[bucket, name] = record
        return record

    def _keep(self, record: ObjectRecord) -> ObjectRecord:
        self._records[record.bucket, record.name] = record
        file = self._side_file(record.bucket, record.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps(record.as_json()))
        file.unlink(missing_ok=True)  # ext4 flushes to disk when a rename replaces a file
        temporary.rename(file)
        return record

    def _side_file(self, bucket: str, name: str) -> Path:
        kind = "folder" if name.endswith(object_paths.FOLDER) else "object"
        digest = hashlib.sha256(name.encode()).hexdigest()[:40]
        return self._side / "o" / bucket / f"{kind}-{digest}.json"


def _stamp(path: Path, *, folder: bool) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if folder:
        return FOLDER_STAMP if stat.S_ISDIR(status.st_mode) else None
    if not stat.S_ISREG(status.st_mode):
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _fresh(  # noqa: PLR0913, PLR0917 - the fields of one record
    bucket: str,
    name: str,
    generation: int,
    stamp: tuple[int, int, int],
    sums: tuple[str, str],
    kind: str,
) -> ObjectRecord:
    moment = timestamp(generation / 1e9)
    settings = {"contentType": kind}
    return ObjectRecord(
        bucket, name, generation, stamp[2], *sums, moment, moment, stamp, settings=settings
    )


def _walk(start: Path, top: Path) -> Iterator[str]:
    """Yield the names of all files below `start`, relative to `top`."""
    for directory, _folders, files in os.walk(start):
        relative = os.path.relpath(directory, top)
        base = "" if relative == "." else f"{relative}/"
        yield from (base + file for file in files)


def _verify(settings: dict[str, Any], md5: str, crc32c: str) -> None:
    for name, have in (("md5Hash", md5), ("crc32c", crc32c)):
        if settings.get(name) not in (None, have):
            raise ApiError(
                "INVALID_ARGUMENT",
                f"Provided {name} {settings[name]!r} doesn't match calculated {have!r}.",
            )
