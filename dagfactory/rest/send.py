"""JSON over HTTP with the standard library: what a live environment is asked with."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from dagfactory.rest.errors import AnswerError

_TIMEOUT = 30.0  # seconds
_MOST = 64 << 20  # bytes of an answer
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _NoRedirect(HTTPRedirectHandler):
    """A token goes to the address it is for, and to no other one."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


def send(method: str, url: str, *, token: str | None = None, body: Any = None) -> Any:
    """Send a request and return the JSON of the answer, None for an empty one; raises AnswerError.

    `token` is the whole value of `Authorization`.
    """
    headers = {"Accept": "application/json"} | ({"Authorization": token} if token else {})
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    here = urlsplit(url).hostname in _LOOPBACK
    opener = build_opener(_NoRedirect(), *([ProxyHandler({})] if here else []))
    host = urlsplit(url).netloc
    try:
        with opener.open(Request(url, data, headers, method=method), timeout=_TIMEOUT) as answer:  # noqa: S310 - addresses are checked by the environment file
            content = answer.read(_MOST)
    except HTTPError as error:
        with error:
            raise AnswerError(error.code, _reason(host, error)) from None
    except (HTTPException, OSError, ValueError) as error:  # the first: what is no HTTP
        raise AnswerError(0, f"{host} does not answer: {getattr(error, 'reason', error)}") from None
    return _parsed(content, host)


def _parsed(content: bytes, host: str) -> Any:
    try:
        return json.loads(content) if content.strip() else None
    except (ValueError, RecursionError):
        raise AnswerError(0, f"{host} answered something that is not JSON") from None


def _reason(host: str, error: HTTPError) -> str:
    """Return the reason of Google ({"error": {"message": …}}) or Airflow ({"detail": …})."""
    try:
        answer = json.loads(error.read(_MOST))
        found = answer["error"]["message"] if "error" in answer else answer["detail"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        found = error.reason
    return f"{host} answered {error.code}: {found}"
