"""Destinations of a sync for tests of schedules: real stores whose every call waits for its turn.

The bucket has weather: answers of 429 and 5xx, requests and answers that are lost, listings in pages.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
import urllib3
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from requests.adapters import HTTPAdapter
from turns import Actor

from dagfactory.deploy.carry_out import Place
from dagfactory.deploy.history import History
from dagfactory.deploy.stores import Store
from dagfactory.deploy.stores.gcs import GcsStore
from dagfactory.deploy.stores.local import LocalStore
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.http_server import (
    Application,
    HttpRequest,
    HttpResponse,
    make_request,
)
from dagfactory.emulator.identity import Identity
from dagfactory.emulator.storage.service import StorageService

PREFIX = "dags/team"
Step = Callable[[], None]


class Recorded:
    """A store that notes what was written through it, after its turn has come."""

    def __init__(self, store: Store, written: set[tuple[str, bytes]], step: Step | None) -> None:
        self._store, self._written, self._step = store, written, step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def listing(self) -> Any:
        self._wait()
        return self._store.listing()

    def read(self, path: str, *, generation: int) -> bytes:
        self._wait()
        return self._store.read(path, generation=generation)

    def write(self, path: str, content: bytes, *, generation: int) -> None:
        self._wait()
        self._store.write(path, content, generation=generation)
        self._written.add((path, content))

    def delete(self, path: str, *, generation: int) -> None:
        self._wait()
        self._store.delete(path, generation=generation)

    def _wait(self) -> None:
        if self._step:
            self._step()


class Destination(ABC):
    """A fresh destination; `written` holds every path and content that a sync has put there."""

    def __init__(self, folder: Path, past: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.past = past
        self.written: set[tuple[str, bytes]] = set()

    @abstractmethod
    def store(self, actor: Actor | None = None, *, below: str = "") -> Store:
        """Return a store, as a process of its own opens it; without an actor it waits for nobody."""

    @abstractmethod
    def place(self, actor: Actor | None = None) -> Place:
        """Return the store with its history."""

    def files(self) -> dict[str, bytes]:
        """Return what is there."""
        return files(self.folder)

    def put(self, path: str, content: bytes) -> None:
        """Write a file as somebody who is not a sync."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(content)


def files(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class FolderDestination(Destination):
    """A folder; a turn is a call of the store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, folder.with_name(f".{folder.name}.history"))

    def store(self, actor: Actor | None = None, *, below: str = "") -> Store:
        store = LocalStore(self.folder / below if below else self.folder)
        return Recorded(store, set() if below else self.written, actor.step if actor else None)

    def place(self, actor: Actor | None = None) -> Place:
        past = LocalStore(self.past)
        history = Recorded(past, set(), actor.step if actor else None)
        return Place(self.store(actor), History(history))


class BucketDestination(Destination):
    """A bucket of the emulator, through Google's client library; a turn is a request."""

    def __init__(self, root: Path, name: str, service: Application) -> None:
        super().__init__(root / name / PREFIX, root / name / "data/dagfactory" / PREFIX)
        self._bucket, self._service = name, service

    def store(self, actor: Actor | None = None, *, below: str = "") -> Store:
        prefix = f"{PREFIX}/{below}" if below else PREFIX
        store = GcsStore(self._client(actor), self._bucket, prefix)
        return Recorded(store, set() if below else self.written, None)

    def place(self, actor: Actor | None = None) -> Place:
        history = GcsStore(self._client(actor), self._bucket, f"data/dagfactory/{PREFIX}")
        return Place(self.store(actor), History(history))

    def _client(self, actor: Actor | None) -> Any:
        session = AuthorizedSession(AnonymousCredentials())
        session.mount("https://", _InProcess(self._service, actor))
        return storage.Client("p", AnonymousCredentials(), _http=session)


def service(folder: Path) -> Application:
    """Return the emulator's Cloud Storage; its buckets are the folders of `gcs` in this one."""
    identity, faults = Identity("demo"), Faults(folder / "faults.json")
    serve = StorageService(folder / "gcs", folder / "side", faults, identity)

    def serve_ours(request: HttpRequest) -> HttpResponse:
        headers = {**request.headers, "authorization": f"Bearer {identity._token}"}
        return serve(replace(request, headers=headers))

    return serve_ours


class _InProcess(HTTPAdapter):
    """Hands requests to the service, without a network between, in the weather of an actor."""

    def __init__(self, service: Application, actor: Actor | None) -> None:
        super().__init__()
        self._service, self._actor = service, actor

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        if self._actor is None:
            return self._answer(request)
        self._actor.step()
        luck = self._actor.random.random() / self._actor.weather if self._actor.weather else 1.0
        if luck < 0.2:
            raise requests.ReadTimeout("the request was lost", request=request)
        if luck < 0.6:
            status = self._actor.random.choice((429, 500, 502, 503, 504))
            return self._response(request, b"{}", {}, status)
        answer = self._answer(request)
        if luck < 1.0:
            raise requests.ReadTimeout("the answer was lost", request=request)
        return answer

    def _answer(self, request: requests.PreparedRequest) -> requests.Response:
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        body = _text(request.body or b"").encode("latin-1")
        url = _text(request.url)
        if self._actor and self._actor.weather and request.method == "GET" and "prefix=" in url:
            url += "&maxResults=5"
        answer = self._service(make_request(_text(request.method), url, headers, body))
        content = b"".join(answer.stream) if answer.stream is not None else answer.body
        return self._response(request, content, answer.headers, answer.status)

    def _response(
        self, request: requests.PreparedRequest, content: bytes, headers: Any, status: int
    ) -> requests.Response:
        raw = urllib3.HTTPResponse(io.BytesIO(content), headers, status, preload_content=False)
        return self.build_response(request, raw)


def _text(value: Any) -> str:
    """Return what is text or bytes as text of one byte each, as HTTP has it."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
