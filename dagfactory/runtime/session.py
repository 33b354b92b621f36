"""One authorised session for all that a task asks of Google's APIs, by REST."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

log = logging.getLogger(__name__)

BAD_REQUEST, NOT_FOUND, TIMEOUT, TOO_MANY, SERVER_ERROR = 400, 404, 408, 429, 500
LONGEST_PAUSE = 32.0
LONGEST_ANSWER = 60.0
"""Seconds of silence after which a request has failed."""

PREFIX = "extra__google_cloud_platform__"
LEAN = ("project", "scope", "num_retries")
"""What a connection can say without a need for the provider's hook."""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
RETRIES = 5
POOL = 32
"""Connections kept open, for as many threads that read the files of trials."""


class HttpError(Exception):
    """An answer that is an error; its text is Google's message."""

    def __init__(self, status: int, content: bytes) -> None:
        super().__init__(f"{status}: {content[:200].decode(errors='replace')}")
        self.status = status
        self.content = content


class Session:
    """Requests with the credentials of an Airflow connection; making one reads the connection."""

    def __init__(self, gcp_conn_id: str, impersonation_chain: Any = None) -> None:
        # requests and google.auth, of which a task pays 0.2 s: googleapiclient, google.cloud.storage and the
        # provider's hook cost 1.3 s and 60 MB in each start of a task (docs/decisions.md).
        from google.auth.transport.requests import AuthorizedSession
        from requests.adapters import HTTPAdapter

        credentials, self.retries = credentials_of(gcp_conn_id, impersonation_chain)
        http: Any = AuthorizedSession  # without types of its own
        self._http = http(credentials)
        self._http.mount("https://", HTTPAdapter(pool_maxsize=POOL))

    def send(self, method: str, url: str, **options: Any) -> Any:
        """Send a request once and return the response; raises HttpError for an error."""
        with token_errors():
            answer = self._http.request(method, url, timeout=LONGEST_ANSWER, **options)
        if answer.status_code >= BAD_REQUEST:
            raise HttpError(answer.status_code, answer.content)
        return answer

    def repeat(self, method: str, url: str, **options: Any) -> Any:
        """Send a request that may be repeated, until it gets through or no try is left."""
        for attempt in range(self.retries):
            try:
                return self.send(method, url, **options)
            except (HttpError, OSError) as error:
                if not is_transient(error):
                    raise
                pause(attempt, error)
        return self.send(method, url, **options)


@contextlib.contextmanager
def token_errors() -> Iterator[None]:
    """Raise ConnectionError where the server of tokens was not reached: no request has been sent."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    try:
        yield
    except GoogleAuthError as error:
        if isinstance(error, TransportError) or error.retryable:
            raise ConnectionError(f"no token: {error}") from error
        raise


def credentials_of(gcp_conn_id: str, impersonation_chain: Any = None) -> tuple[Any, int]:
    """Return the credentials of a connection and how often it lets a request be repeated."""
    from airflow.providers.common.compat.sdk import BaseHook

    extras = BaseHook.get_connection(gcp_conn_id).extra_dejson
    if impersonation_chain or not is_lean(extras):
        # keys, impersonation, quota projects, external accounts: read by those who define the fields
        from airflow.providers.google.common.hooks.base_google import GoogleBaseHook

        hook = GoogleBaseHook(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain)
        return hook.get_credentials(), hook.num_retries
    import google.auth

    scopes = str(field(extras, "scope") or SCOPE).split(",")
    credentials, _ = google.auth.default(scopes=[scope.strip() for scope in scopes])
    return credentials, int(RETRIES if (own := field(extras, "num_retries")) is None else own)


def is_lean(extras: Mapping[str, Any]) -> bool:
    """Return whether a connection says nothing of who it is: the default credentials hold."""
    said = {name.removeprefix(PREFIX) for name, value in extras.items() if value}
    retries = str(field(extras, "num_retries") or 0)
    return said <= set(LEAN) and retries.isdigit()  # the hook knows what to say of any other


def field(extras: Mapping[str, Any], name: str) -> Any:
    """Return a field of a connection, None for an empty one; older forms write it with a prefix."""
    found = extras[name] if name in extras else extras.get(PREFIX + name)
    return None if found == "" else found


def pause(attempt: int, error: BaseException) -> None:
    """Sleep a random part of 1, 2, 4 … 32 seconds, as Google's own clients do."""
    seconds = min(LONGEST_PAUSE, 2.0**attempt) * random.random()  # noqa: S311 - jitter, no secret
    log.warning("%s; trying again in %.1f s", message_of(error), seconds)
    time.sleep(seconds)


def status_of(error: BaseException) -> int:
    """Return the HTTP status of an error, 0 for one without (a broken connection)."""
    return error.status if isinstance(error, HttpError) else 0


def message_of(error: BaseException) -> str:
    """Return ``429 RESOURCE_EXHAUSTED: text`` for an answer of Google's, else the error's text."""
    try:
        answer = json.loads(getattr(error, "content", b"") or b"{}")["error"]
        return f"{answer['code']} {answer.get('status', '')}: {answer['message']}"
    except (ValueError, KeyError, TypeError):
        return str(error) or type(error).__name__


def is_transient(error: BaseException) -> bool:
    """Return whether the same request may work in a moment: rate limits, 5xx, broken connections."""
    status = status_of(error)
    return isinstance(error, OSError) or status in (TIMEOUT, TOO_MANY) or status >= SERVER_ERROR


def is_permanent(error: BaseException) -> bool:
    """Return whether repeating the request is useless: 4xx other than 408 and 429."""
    status = status_of(error)
    return BAD_REQUEST <= status < SERVER_ERROR and status not in (TIMEOUT, TOO_MANY)
