"""Vertex AI by REST: the client, pages, long-running operations, and errors as Airflow's exceptions."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

T = TypeVar("T")
Resource = Any  # what googleapiclient.discovery.build makes at run time has no static type

log = logging.getLogger(__name__)

BAD_REQUEST, TIMEOUT, TOO_MANY, SERVER_ERROR = 400, 408, 429, 500
LONGEST_PAUSE = 32.0
PAGE_SIZE = 100


class VertexClient:
    """A client for one region of Vertex AI, with the credentials of an Airflow connection."""

    def __init__(
        self, project: str, region: str, gcp_conn_id: str, impersonation_chain: Any = None
    ) -> None:
        # googleapiclient and not the Vertex AI SDK: 0.4 s of import against 7 to 10 s, in every start of
        # a task (docs/decisions.md).
        from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
        from googleapiclient.discovery import build

        hook = GoogleBaseHook(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain)
        service = build(
            "aiplatform",
            "v1",
            http=hook._authorize(),  # noqa: SLF001 - what every discovery-based provider hook calls
            static_discovery=True,  # the document in the package; otherwise one download each time
            cache_discovery=False,
            client_options={"api_endpoint": f"https://{region}-aiplatform.googleapis.com"},
        )
        self.region = region
        self.parent = f"projects/{project}/locations/{region}"
        self.retries: int = hook.num_retries
        self.locations: Resource = service.projects().locations()

    def call(self, request: Any) -> dict[str, Any]:
        """Execute a request that may be repeated; the client retries 429 and 5xx by itself."""
        with translated_errors():
            answer: dict[str, Any] = request.execute(num_retries=self.retries)
            return answer

    def create_once(
        self,
        send: Callable[[], Any],
        find_existing: Callable[[], dict[str, Any] | None],
        is_final: Callable[[str], bool] = lambda _: False,
    ) -> dict[str, Any]:
        """Execute a request that creates something, at most once; raises the client's own errors.

        ``find_existing`` is called before each new try and returns what an earlier try has created, or
        None. ``is_final`` tells from an error's text that waiting does not mend it.
        """
        attempt = 0
        while True:
            try:
                # Without the client's own retries: after a 429 or 5xx the job may exist all the same,
                # and a second one would cost as much again.
                answer: dict[str, Any] = send().execute(num_retries=0)
            except Exception as error:
                last = attempt == self.retries or is_final(message_of(error))
                if last or not is_transient(error):
                    raise
                pause(attempt, error)
                attempt += 1
            else:
                return answer
            existing = find_existing()
            if existing is not None:
                return existing

    def pages(self, collection: Resource, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a list call, page by page."""
        request = collection.list(parent=self.parent, pageSize=PAGE_SIZE, **arguments)
        while request is not None:
            answer = self.call(request)
            yield from answer.get(key, [])
            request = collection.list_next(request, answer)

    def wait_for_operation(self, operation: dict[str, Any], poll: float) -> dict[str, Any]:
        """Wait for a long-running operation and return its response; raise on its error."""
        while not operation.get("done"):
            time.sleep(poll)
            operation = self.call(self._operations(operation["name"]).get(name=operation["name"]))
        if "error" in operation:
            raise AirflowException(f"{operation['name']}: {status_text(operation['error'])}")
        response: dict[str, Any] = operation.get("response", {})
        return response

    def _operations(self, name: str) -> Resource:
        """Return the collection whose pattern the name of an operation fits."""
        # The client checks a name against the pattern of the method before it sends anything.
        for kind in ("models", "endpoints"):
            if f"/{kind}/" in name:
                return getattr(self.locations, kind)().operations()
        return self.locations.operations()


def pause(attempt: int, error: Exception) -> None:
    """Sleep a random part of 1, 2, 4 … 32 seconds, as Google's own clients do."""
    seconds = min(LONGEST_PAUSE, 2.0**attempt) * random.random()  # noqa: S311 - jitter, no secret
    log.warning("Vertex AI: %s; trying again in %.1f s", message_of(error), seconds)
    time.sleep(seconds)


def status_of(error: BaseException) -> int:
    """Return the HTTP status of a client error, 0 for one without (a broken connection)."""
    response = getattr(error, "resp", None)
    return int(getattr(response, "status", 0) or 0)


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


def status_text(status: dict[str, Any]) -> str:
    """Write a ``google.rpc.Status`` in one line."""
    return f"{status.get('message', 'no message')} (code {status.get('code', 'unknown')})"


def raise_failure(error: BaseException, doing: str = "") -> NoReturn:
    """Raise Airflow's exception for an error: without retries where repeating cannot help."""
    text = f"Vertex AI refused {doing}: {message_of(error)}" if doing else message_of(error)
    if is_permanent(error):
        raise AirflowFailException(text) from error
    raise AirflowException(text) from error


@contextlib.contextmanager
def translated_errors(doing: str = "") -> Iterator[None]:
    """Turn the client's HttpError inside the block into an Airflow exception."""
    from googleapiclient.errors import HttpError

    try:
        yield
    except HttpError as error:
        raise_failure(error, doing)


def console_url(name: str, kind: str = "training") -> str:
    """Return the address of a resource in Google's console."""
    _, project, _, region, _, identifier, *_ = name.split("/")
    place = f"https://console.cloud.google.com/vertex-ai/locations/{region}"
    return f"{place}/{kind}/{identifier.split('@')[0]}?project={project}"
