"""Vertex AI and Cloud Logging over REST, with the credentials of this machine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from http import HTTPStatus
from importlib import import_module
from typing import Any

from dagfactory.jobs.errors import NotSetUpError, ServiceError

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
LOGGING = "https://logging.googleapis.com/v2/entries:list"
TIMEOUT = 60.0
PAGE = 100
ENTRIES = 1000
NO_CREDENTIALS = (
    "no Google credentials that work; run `gcloud auth application-default login`, or in CI "
    "authenticate by Workload Identity Federation"
)


class Client:
    """The jobs and logs of one project."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._session = _session()

    def jobs(self, kind: str, region: str, text: str) -> Iterator[dict[str, Any]]:
        """Yield the jobs of a kind (`trainingPipelines`) that a filter finds in a region."""
        parent = f"projects/{self.project}/locations/{region}"
        query: dict[str, Any] = {"filter": text, "pageSize": PAGE}
        while True:
            answer = self._send("GET", f"{_vertex(region)}/{parent}/{kind}", params=query)
            yield from answer.get(kind, ())
            if not answer.get("nextPageToken"):
                return
            query["pageToken"] = answer["nextPageToken"]

    def get(self, name: str) -> dict[str, Any]:
        """Return a job by its name."""
        return self._send("GET", f"{_vertex(name.split('/')[3])}/{name}")

    def cancel(self, name: str) -> None:
        """Ask a job to end."""
        self._send("POST", f"{_vertex(name.split('/')[3])}/{name}:cancel", json={})

    def entries(self, text: str) -> Iterator[dict[str, Any]]:
        """Yield the log entries that a filter finds, oldest first."""
        body: dict[str, Any] = {"resourceNames": [f"projects/{self.project}"], "filter": text}
        body |= {"orderBy": "timestamp asc", "pageSize": ENTRIES}
        while True:
            answer = self._send("POST", LOGGING, json=body)
            yield from answer.get("entries", ())
            if not answer.get("nextPageToken"):
                return
            body["pageToken"] = answer["nextPageToken"]

    def _send(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """Send a request and return the answer; raises an error of one line."""
        requests = import_module("requests.exceptions")
        try:
            answer = self._session.request(method, url, timeout=TIMEOUT, **options)
        except import_module("google.auth.exceptions").GoogleAuthError as error:
            raise NotSetUpError(f"{NO_CREDENTIALS} ({_first_line(error)})") from error
        except requests.RequestException as error:
            raise ServiceError(f"{_host(url)} did not answer; try again") from error
        if not answer.ok:
            raise _refused(answer, url)
        try:
            return dict(answer.json())
        except (ValueError, TypeError) as error:
            raise ServiceError(f"{_host(url)} answered something that is not JSON") from error


def _vertex(region: str) -> str:
    return f"https://{region}-aiplatform.googleapis.com/v1"


def _session() -> Any:
    """Return a session that sends the credentials of this machine; raises NotSetUpError without any."""
    try:
        with warnings.catch_warnings():
            # the libraries warn about old versions of Python on every start
            warnings.simplefilter("ignore", FutureWarning)
            auth = import_module("google.auth")
            transport = import_module("google.auth.transport.requests")
    except ImportError as error:
        remedy = "pip install 'dagfactory[gcp]'"
        raise NotSetUpError(f"jobs and logs need google-auth and requests: {remedy}") from error
    try:
        credentials, _ = auth.default(scopes=SCOPES)
    except import_module("google.auth.exceptions").GoogleAuthError as error:
        raise NotSetUpError(f"{NO_CREDENTIALS} ({_first_line(error)})") from error
    return transport.AuthorizedSession(credentials)


def _refused(answer: Any, url: str) -> ServiceError:
    try:
        message = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"HTTP {answer.status_code}"
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ServiceError(f"{_host(url)}: these credentials may not do that ({message})")
    return ServiceError(f"{_host(url)} refused: {message}")


def _host(url: str) -> str:
    return url.split("/")[2]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
