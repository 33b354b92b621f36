"""Object methods of the JSON API, except uploads."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response
from dagfactory.emulator.storage.buckets import Buckets
from dagfactory.emulator.storage.listing import list_objects
from dagfactory.emulator.storage.object_store import Draft, ObjectStore
from dagfactory.emulator.storage.preconditions import of_component, of_request, of_source
from dagfactory.emulator.storage.record import CHUNK, ObjectRecord

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
MAX_COMPONENTS = 32


class Objects:
    """get, download, list, patch, delete, copy, rewrite and compose."""

    def __init__(self, store: ObjectStore, buckets: Buckets) -> None:
        self._store, self._buckets = store, buckets

    def get(self, bucket: str, name: str, request: HttpRequest) -> HttpResponse:
        """Return the resource, or with alt=media the content."""
        if request.arg("alt") == "media":
            return self.download(bucket, name, request)
        record = self._read(bucket, name, request)
        return json_response(record.resource(), headers={"ETag": record.etag})

    def download(self, bucket: str, name: str, request: HttpRequest) -> HttpResponse:
        """Return the content, or the part a Range header asks for."""
        with self._store.locked():
            record = self._read(bucket, name, request)
            path = self._store.path(record)
            file = (path if record.size else Path(os.devnull)).open("rb")
        headers = _content_headers(record)
        span = _range(request.headers.get("range", ""), record.size)
        if span is None:
            return HttpResponse(200, b"", headers, _slice(file, 0, record.size), record.size)
        start, end = span
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
        return HttpResponse(206, b"", headers, _slice(file, start, end), end - start)

    def list_page(self, bucket: str, request: HttpRequest) -> HttpResponse:
        """Return a page of a bucket."""
        self._buckets.resource(bucket)
        return json_response(list_objects(self._store, bucket, request))

    def patch(self, bucket: str, name: str, request: HttpRequest) -> HttpResponse:
        """Change settings; PUT (update) replaces them all."""
        with self._store.locked():
            record = self._store.get(bucket, name, request.arg("generation"))
            of_request(request).check(record)
            changed = record.patched(request.json(), clear=request.method == "PUT")
            return json_response(self._store.change(changed).resource())

    def delete(self, bucket: str, name: str, request: HttpRequest) -> HttpResponse:
        """Delete an object, under its preconditions."""
        with self._store.locked():
            self._buckets.resource(bucket)
            record = self._store.get(bucket, name, request.arg("generation"))
            of_request(request).check(record)
            self._store.delete(record)
        return HttpResponse(204)

    def copy(
        self, source: tuple[str, str], target: tuple[str, str], request: HttpRequest
    ) -> HttpResponse:
        """Copy in one call (copyTo)."""
        return json_response(self._copy(source, target, request).resource())

    def rewrite(
        self, source: tuple[str, str], target: tuple[str, str], request: HttpRequest
    ) -> HttpResponse:
        """Copy as rewriteTo does; always done in the first call."""
        record = self._copy(source, target, request)
        size = str(record.size)
        return json_response(
            {
                "kind": "storage#rewriteResponse",
                "totalBytesRewritten": size,
                "objectSize": size,
                "done": True,
                "resource": record.resource(),
            }
        )

    def compose(self, bucket: str, name: str, request: HttpRequest) -> HttpResponse:
        """Concatenate up to 32 objects."""
        body = request.json()
        components = body.get("sourceObjects", [])
        if not 0 < len(components) <= MAX_COMPONENTS:
            raise ApiError("INVALID_ARGUMENT", "compose takes 1 to 32 source objects.")
        conditions, temporary, parts = of_request(request), self._store.temporary(), 0
        with self._store.locked(), temporary.open("wb") as output:
            for component in components:
                record = self._component(bucket, component)
                parts += record.components or 1
                with self._store.path(record).open("rb") as file:
                    output.writelines(_slice(file, 0, record.size))
        settings = body.get("destination") or {}
        draft = Draft(bucket, name, temporary, settings, conditions, parts)
        return json_response(self._store.put(draft).resource())

    def _component(self, bucket: str, component: dict[str, Any]) -> ObjectRecord:
        record = self._store.get(bucket, component["name"], component.get("generation"))
        of_component(component).check(record)
        return record

    def _read(self, bucket: str, name: str, request: HttpRequest) -> ObjectRecord:
        self._buckets.resource(bucket)
        record = self._store.get(bucket, name, request.arg("generation"))
        of_request(request).check(record)
        return record

    def _copy(
        self, source: tuple[str, str], target: tuple[str, str], request: HttpRequest
    ) -> ObjectRecord:
        with self._store.locked():
            record = self._store.get(*source, request.arg("sourceGeneration"))
            of_source(request).check(record)
            temporary = self._store.temporary()
            with temporary.open("wb") as output, self._store.path(record).open("rb") as file:
                output.writelines(_slice(file, 0, record.size))
            settings = request.json() or record.settings
            kept = {**record.settings, **settings} if "contentType" not in settings else settings
            return self._store.put(Draft(*target, temporary, kept, of_request(request)))


def _slice(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes [start, end) of a file and close it."""
    with file:
        file.seek(start)
        while start < end and (data := file.read(min(CHUNK, end - start))):
            start += len(data)
            yield data


def _content_headers(record: ObjectRecord) -> dict[str, str]:
    headers = {
        "Content-Type": record.settings.get("contentType", "application/octet-stream"),
        "ETag": record.etag,
        "X-Goog-Generation": str(record.generation),
        "X-Goog-Metageneration": str(record.metageneration),
        "X-Goog-Hash": f"crc32c={record.crc32c},md5={record.md5}",
        "X-Goog-Stored-Content-Length": str(record.size),
        "X-Goog-Stored-Content-Encoding": record.settings.get("contentEncoding", "identity"),
        "Accept-Ranges": "bytes",
    }
    names = {"contentEncoding": "Content-Encoding", "cacheControl": "Cache-Control"}
    extra = {
        header: record.settings[key] for key, header in names.items() if key in record.settings
    }
    return headers | extra


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return the [start, end) a Range header asks for, None for all; raises 416."""
    match = _RANGE.fullmatch(header)
    if match is None or header == "bytes=-":
        return None
    first, last = match.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise ApiError("OUT_OF_RANGE", "The requested range cannot be satisfied.", 416)
    return start, end
