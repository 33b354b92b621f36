"""The Cloud Storage front: routes, errors, partial responses, batches."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from dagfactory.emulator.errors import ApiError, not_served
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response, make_request
from dagfactory.emulator.identity import Identity
from dagfactory.emulator.storage import multipart
from dagfactory.emulator.storage.buckets import Buckets
from dagfactory.emulator.storage.object_store import ObjectStore
from dagfactory.emulator.storage.objects import Objects
from dagfactory.emulator.storage.partial_response import select
from dagfactory.emulator.storage.uploads import Uploads

log = logging.getLogger(__name__)
Action = Callable[[], HttpResponse]
MAX_BATCH = 100
BOUNDARY = "batch_dagfactory"


class StorageService:
    """Answers every request to storage.googleapis.com."""

    def __init__(self, root: Path, side: Path, faults: Faults, identity: Identity) -> None:
        store = ObjectStore(root, side)
        self._buckets = Buckets(store, side, identity.project)
        self._objects = Objects(store, self._buckets)
        self._uploads = Uploads(store)
        self._faults, self._identity = faults, identity

    def ensure(self, name: str, location: str) -> None:
        """Make a bucket unless there is one; without a location it lies in every region."""
        self._buckets.ensure(name, location)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request; a batch is answered call by call."""
        try:
            self._identity.require(request.headers.get("authorization"))
            if request.path.startswith("/batch/"):
                return self._batch(request)
            return _partial(self._answer(request), request.arg("fields"))
        except ApiError as error:
            log.info("storage %s %s: %s", request.method, request.path, error.message)
            body = error.as_storage_json()
            return (
                HttpResponse(304)
                if error.http == HTTPStatus.NOT_MODIFIED
                else json_response(body, error.http, error.headers)
            )

    def _answer(self, request: HttpRequest) -> HttpResponse:
        method, action = self._route(request)
        self._faults.fail_call(method)
        log.info("%s %s", method, request.path)
        try:
            self._require_buckets(request)
            return action()
        except (KeyError, ValueError) as error:
            raise ApiError("INVALID_ARGUMENT", f"Invalid request: {error!r}") from None

    def _require_buckets(self, request: HttpRequest) -> None:
        """Raise NOT_FOUND where an object's bucket, or the one that it is copied to, is not there."""
        match request.segments():
            case ["storage", _, "b", bucket, "o", _, _, "b", other, "o", _]:
                self._buckets.require(bucket)
                self._buckets.require(other)
            case ["upload", _, _, "b", bucket, "o"] | ["storage", _, "b", bucket, "o", *_]:
                self._buckets.require(bucket)

    def _route(self, request: HttpRequest) -> tuple[str, Action]:
        match request.segments():
            case ["upload", "storage", "v1", "b", bucket, "o"]:
                return "storage.objects.insert", lambda: self._uploads.insert(bucket, request)
            case ["download", "storage", "v1", "b", bucket, "o", name]:
                return "storage.objects.get", lambda: self._objects.download(bucket, name, request)
            case ["storage", "v1", "b"]:
                return self._buckets_route(request)
            case ["storage", "v1", "b", bucket]:
                return self._bucket_route(bucket, request)
            case ["storage", "v1", "b", bucket, "iam", "testPermissions"]:
                return (
                    "storage.buckets.testIamPermissions",
                    lambda: self._buckets.permissions(bucket, request),
                )
            case ["storage", "v1", "b", bucket, "o", *rest]:
                return self._object_route(bucket, rest, request)
        raise _no_method(request)

    def _buckets_route(self, request: HttpRequest) -> tuple[str, Action]:
        if request.method == "POST":
            return "storage.buckets.insert", lambda: self._buckets.insert(request)
        return "storage.buckets.list", lambda: self._buckets.list_page(request)

    def _bucket_route(self, bucket: str, request: HttpRequest) -> tuple[str, Action]:
        actions: dict[str, tuple[str, Action]] = {
            "GET": ("get", lambda: self._buckets.get(bucket, request)),
            "PATCH": ("patch", lambda: self._buckets.patch(bucket, request)),
            "PUT": ("update", lambda: self._buckets.patch(bucket, request)),
            "DELETE": ("delete", lambda: self._buckets.delete(bucket)),
        }
        if request.method not in actions:
            raise _no_method(request)
        name, action = actions[request.method]
        return f"storage.buckets.{name}", action

    def _object_route(
        self, bucket: str, rest: list[str], request: HttpRequest
    ) -> tuple[str, Action]:
        objects = self._objects
        match request.method, rest:
            case "GET", []:
                return "storage.objects.list", lambda: objects.list_page(bucket, request)
            case "GET", [name]:
                return "storage.objects.get", lambda: objects.get(bucket, name, request)
            case "PATCH" | "PUT", [name]:
                return "storage.objects.patch", lambda: objects.patch(bucket, name, request)
            case "DELETE", [name]:
                return "storage.objects.delete", lambda: objects.delete(bucket, name, request)
            case "POST", [name, "compose"]:
                return "storage.objects.compose", lambda: objects.compose(bucket, name, request)
            case "POST", [name, "copyTo" | "rewriteTo" as verb, "b", to, "o", new]:
                copy = objects.copy if verb == "copyTo" else objects.rewrite
                return f"storage.objects.{verb[:-2]}", lambda: copy(
                    (bucket, name), (to, new), request
                )
        raise _no_method(request)

    def _batch(self, request: HttpRequest) -> HttpResponse:
        parts = multipart.parse(request.headers.get("content-type", ""), request.body)
        if len(parts) > MAX_BATCH:
            raise ApiError("INVALID_ARGUMENT", f"A batch has at most {MAX_BATCH} calls.")
        answers = b"".join(self._batch_part(part, request) for part in parts)
        kind = {"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"}
        return HttpResponse(200, answers + f"--{BOUNDARY}--\r\n".encode(), kind)

    def _batch_part(self, part: multipart.Part, outer: HttpRequest) -> bytes:
        lines, body = multipart.split_head(part.body)
        verb, target = lines[0].split(" ")[:2]
        outer_authorization = {"authorization": outer.headers["authorization"]}
        headers = {**outer_authorization, **multipart.headers_of(lines[1:])}
        inner = target.removeprefix(outer.base)
        response = self(make_request(verb, inner, headers, body.rstrip(b"\r\n"), outer.host))
        content = b"".join(response.stream) if response.stream is not None else response.body
        status = HTTPStatus(response.status)
        frame = (
            f"--{BOUNDARY}\r\nContent-Type: application/http\r\n"
            f"Content-ID: {_response_id(part.headers.get('content-id', ''))}\r\n\r\n"
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        )
        sent = {**response.headers, "Content-Length": str(len(content))}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"{frame}{head}\r\n".encode() + content + b"\r\n"


def _response_id(request_id: str) -> str:
    return request_id.replace("<", "<response-", 1)


def _partial(response: HttpResponse, fields: str | None) -> HttpResponse:
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    if not fields or response.stream is not None or not is_json or response.status != HTTPStatus.OK:
        return response
    return json_response(select(json.loads(response.body), fields), headers=response.headers)


def _no_method(request: HttpRequest) -> ApiError:
    return not_served(f"{request.method} {request.path}")
