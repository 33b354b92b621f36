"""Uploads of the JSON API: media, multipart, resumable."""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response
from dagfactory.emulator.storage import multipart
from dagfactory.emulator.storage.object_store import Draft, ObjectStore
from dagfactory.emulator.storage.preconditions import of_request
from dagfactory.emulator.storage.record import HOST

RESUME_INCOMPLETE = 308
CHUNK_UNIT = 256 * 1024
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(slots=True)
class UploadSession:
    """A resumable upload: what it is to become, how many bytes were received, and its answer."""

    draft: Draft
    received: int = 0
    finished: HttpResponse | None = None


class Uploads:
    """objects.insert; the sessions of resumable uploads live in memory."""

    def __init__(self, store: ObjectStore) -> None:
        self._store, self._sessions = store, dict[str, UploadSession]()

    def insert(self, bucket: str, request: HttpRequest) -> HttpResponse:
        """Take an upload of any kind, or the next request of a resumable one."""
        upload_id = request.arg("upload_id")
        if upload_id is not None:
            return self._resume(upload_id, request)
        kinds = {"media": self._media, "multipart": self._multipart, "resumable": self._begin}
        kind = request.arg("uploadType") or "media"
        if kind not in kinds:
            raise ApiError("INVALID_ARGUMENT", f"Invalid uploadType: {kind}")
        return kinds[kind](bucket, request)

    def _media(self, bucket: str, request: HttpRequest) -> HttpResponse:
        settings = {"contentType": request.headers.get("content-type")}
        return self._save(bucket, _name({}, request), settings, request.body, request)

    def _multipart(self, bucket: str, request: HttpRequest) -> HttpResponse:
        parts = multipart.parse(request.headers.get("content-type", ""), request.body)
        if len(parts) != 2:  # noqa: PLR2004 - metadata and content, by definition
            raise ApiError("INVALID_ARGUMENT", "A multipart upload has two parts.")
        settings = {"contentType": parts[1].headers.get("content-type"), **_json(parts[0].body)}
        return self._save(bucket, _name(settings, request), settings, parts[1].body, request)

    def _save(
        self, bucket: str, name: str, settings: dict[str, Any], body: bytes, request: HttpRequest
    ) -> HttpResponse:
        temporary = self._store.temporary()
        temporary.write_bytes(body)
        return self._finish(Draft(bucket, name, temporary, settings, of_request(request)))

    def _begin(self, bucket: str, request: HttpRequest) -> HttpResponse:
        kind = request.headers.get("x-upload-content-type")
        settings = {"contentType": kind, **_json(request.body)}
        conditions, name = of_request(request), _name(settings, request)
        conditions.check(self._store.find(bucket, name))
        upload_id, path = uuid4().hex, self._store.temporary()
        path.touch()
        self._sessions[upload_id] = UploadSession(Draft(bucket, name, path, settings, conditions))
        base = request.base or HOST
        location = (
            f"{base}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
        )
        return HttpResponse(200, b"", {"Location": location, "X-GUploader-UploadID": upload_id})

    def _resume(self, upload_id: str, request: HttpRequest) -> HttpResponse:
        session = self._sessions.get(upload_id)
        if session is None:
            raise ApiError("NOT_FOUND", f"Upload {upload_id} was not found.")
        if session.finished is not None:
            return (
                session.finished
            )  # the first answer was lost, or the client only asks how it went
        if request.method == "DELETE":
            del self._sessions[upload_id]
            session.draft.source.unlink()
            return HttpResponse(499)
        if not self._receive(session, request):
            held = {"Range": f"bytes=0-{session.received - 1}"} if session.received else {}
            return HttpResponse(RESUME_INCOMPLETE, b"", held)
        del self._sessions[upload_id]  # an upload that is refused now is over
        session.finished = self._finish(session.draft)
        self._sessions[upload_id] = session
        return session.finished

    def _receive(self, session: UploadSession, request: HttpRequest) -> bool:
        """Append a chunk; say whether the upload is complete."""
        header = request.headers.get("content-range")
        if header is None:
            session.draft.source.write_bytes(request.body)
            return True
        match = _CONTENT_RANGE.fullmatch(header)
        if match is None:
            raise ApiError("INVALID_ARGUMENT", f"Invalid Content-Range: {header}")
        first, _last, total = match.groups()
        if first is not None:
            _append(session, int(first), request.body, last=total != "*")
        return total != "*" and session.received == int(total)

    def _finish(self, draft: Draft) -> HttpResponse:
        try:
            record = self._store.put(draft)
        finally:
            draft.source.unlink(missing_ok=True)
        return json_response(record.resource(), headers={"ETag": record.etag})


def _append(session: UploadSession, first: int, body: bytes, *, last: bool) -> None:
    """Write the part of a chunk that is new: a client may repeat bytes after a lost answer."""
    if first > session.received:
        raise ApiError(
            "INVALID_ARGUMENT",
            f"Content-Range begins at {first}, but only {session.received} bytes were received.",
        )
    if not last and len(body) % CHUNK_UNIT:
        raise ApiError("INVALID_ARGUMENT", "A chunk before the last is a multiple of 256 KiB.")
    with session.draft.source.open("ab") as file:
        file.write(body[session.received - first :])
    session.received = session.draft.source.stat().st_size


def _name(settings: dict[str, Any], request: HttpRequest) -> str:
    name = settings.get("name") or request.arg("name")
    if not name:
        raise ApiError("INVALID_ARGUMENT", "Required parameter: name")
    return str(name)


def _json(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body) if body.strip() else {}
    except ValueError:
        raise ApiError("INVALID_ARGUMENT", "Parse Error: metadata is not JSON.") from None
    if not isinstance(data, dict):
        raise ApiError("INVALID_ARGUMENT", "Parse Error: metadata is not an object.")
    return data
