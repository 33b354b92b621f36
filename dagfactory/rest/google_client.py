"""Google Cloud by REST, with the credentials of this machine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from importlib import import_module
from typing import Any, Self
from urllib.parse import urlsplit

from dagfactory.rest.errors import AnswerError, NoCredentialsError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT = 60.0  # seconds
_PAGE = 100
_LOGIN = (
    "run `gcloud auth application-default login`, or in CI authenticate by Workload Identity "
    "Federation"
)


def vertex(region: str) -> str:
    """Return the address of Vertex AI in a region."""
    return f"https://{region}-aiplatform.googleapis.com/v1"


class GoogleClient:
    """Asks Google's services; credentials are looked for with the first question.

    Use as a context manager, which closes the connections. Every method raises AnswerError.
    """

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        if "_session" in self.__dict__:
            self._session.close()

    @property
    def token(self) -> str:
        """Return the value of `Authorization`, for an address that takes Google's tokens."""
        credentials = self._session.credentials
        with _spoken():
            if not credentials.valid:
                credentials.refresh(import_module("google.auth.transport.requests").Request())
        return f"Bearer {credentials.token}"

    def get(self, url: str, **query: Any) -> dict[str, Any]:
        """Return the JSON object at an address."""
        return self._send("GET", url, params=query)

    def post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a JSON object and return the answer."""
        return self._send("POST", url, json=body)

    def pages(self, url: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield what a list call finds, page by page."""
        query = {"pageSize": _PAGE} | query
        while True:
            answer = self.get(url, **query)
            yield from answer.get(key, ())
            if not answer.get("nextPageToken"):
                return
            query["pageToken"] = answer["nextPageToken"]

    @cached_property
    def _session(self) -> Any:
        with warnings.catch_warnings():
            # the libraries warn about old versions of Python on every start
            warnings.simplefilter("ignore", FutureWarning)
            try:
                auth = import_module("google.auth")
                transport = import_module("google.auth.transport.requests")
            except ImportError:
                remedy = "pip install 'dagfactory[gcp]'"
                raise NoCredentialsError("google-auth or requests is missing", remedy) from None
        with _spoken():
            credentials, _ = auth.default(scopes=[_SCOPE])
        return transport.AuthorizedSession(credentials)

    def _send(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        session, host = self._session, urlsplit(url).netloc
        try:
            with _spoken():
                # a token goes to the address it is for, and to no other one
                answer = session.request(
                    method, url, timeout=_TIMEOUT, allow_redirects=False, **options
                )
        except import_module("requests.exceptions").RequestException as error:
            raise AnswerError(0, f"{host} does not answer: {error}", "try again") from error
        if answer.status_code != HTTPStatus.OK:
            raise AnswerError(answer.status_code, f"{host} answered {_reason(answer)}")
        try:
            return dict(answer.json())
        except (ValueError, TypeError, RecursionError) as error:
            raise AnswerError(0, f"{host} answered something that is not JSON") from error


@contextmanager
def _spoken() -> Iterator[None]:
    """Turn what google-auth raises into an error of one line."""
    exceptions = import_module("google.auth.exceptions")
    try:
        yield
    except exceptions.TransportError as error:
        raise AnswerError(
            0, f"who gives Google's tokens does not answer: {error}", "try again"
        ) from error
    except exceptions.GoogleAuthError as error:
        raise NoCredentialsError(f"no Google credentials that work ({error})", _LOGIN) from error


def _reason(answer: Any) -> str:
    try:
        message = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = answer.reason
    return f"{answer.status_code}: {message}"
