"""Vertex AI by REST: resources, pages, long-running operations, and errors as Airflow's exceptions."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from urllib.parse import quote

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from .session import HttpError, Session, is_permanent, is_transient, message_of, pause

PAGE_SIZE = 100


class VertexClient:
    """A client for one region of Vertex AI, with the session of a task."""

    def __init__(self, project: str, region: str, session: Session) -> None:
        self.region = region
        self.parent = f"projects/{project}/locations/{region}"
        self.session = session

    def get(self, name: str) -> dict[str, Any]:
        """Return a resource by its name."""
        return self.call("GET", name)

    def act(self, name: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call a method of a resource that may be called again, as ``cancel`` of a job."""
        return self.call("POST", f"{name}:{verb}", json=body)

    def patch(self, name: str, mask: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change the fields of a resource that a mask names."""
        return self.call("PATCH", name, params={"updateMask": mask}, json=body)

    def pages(self, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a list call (``models``, ``<name>:listVersions``), page by page."""
        path = path if "/" in path else f"{self.parent}/{path}"
        query["pageSize"] = PAGE_SIZE
        while True:
            answer = self.call("GET", path, params=query)
            yield from answer.get(key, [])
            if not answer.get("nextPageToken"):
                return
            query["pageToken"] = answer["nextPageToken"]

    def call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Send a request that may be repeated; 429, 5xx and broken connections are."""
        with translated_errors():
            answer: dict[str, Any] = self.session.repeat(method, self.url(path), **options).json()
            return answer

    def send(self, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
        """POST once; raises HttpError, and OSError where the connection broke."""
        sent = self.session.send("POST", self.url(path), json=body, params=query)
        answer: dict[str, Any] = sent.json()
        return answer

    def url(self, path: str) -> str:
        """Return the address of a resource, or of a method of one."""
        host = f"{self.region}-aiplatform.googleapis.com"
        return f"https://{host}/v1/{quote(path, safe='/:@')}"

    def create_once(
        self,
        path: str,
        body: dict[str, Any],
        find_existing: Callable[[], dict[str, Any] | None],
        is_final: Callable[[str], bool] = lambda _: False,
        **query: str,
    ) -> dict[str, Any]:
        """POST what creates something, at most once; raises the errors of ``send``.

        ``find_existing`` is called before each new try and returns what an earlier try has created, or
        None. ``is_final`` tells from an error's text that waiting does not mend it.
        """
        attempt = 0
        while True:
            try:
                # Once: after a 429 or 5xx the job may exist all the same, and a second one would cost
                # as much again.
                answer = self.send(path, body, **query)
            except Exception as error:
                last = attempt >= self.session.retries or is_final(message_of(error))
                if last or not is_transient(error):
                    raise
                pause(attempt, error)
                attempt += 1
            else:
                return answer
            existing = find_existing()
            if existing is not None:
                return existing

    def wait_for_operation(self, operation: dict[str, Any], poll: float) -> dict[str, Any]:
        """Wait for a long-running operation and return its response; raise on its error."""
        while not operation.get("done"):
            time.sleep(poll)
            operation = self.get(operation["name"])
        if "error" in operation:
            raise AirflowException(f"{operation['name']}: {status_text(operation['error'])}")
        response: dict[str, Any] = operation.get("response", {})
        return response


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
    """Turn an HttpError or a broken connection inside the block into an Airflow exception."""
    try:
        yield
    except (HttpError, OSError) as error:
        raise_failure(error, doing)


def console_url(name: str, kind: str = "training") -> str:
    """Return the address of a resource in Google's console."""
    _, project, _, region, _, identifier, *_ = name.split("/")
    place = f"https://console.cloud.google.com/vertex-ai/locations/{region}"
    return f"{place}/{kind}/{identifier.split('@')[0]}?project={project}"
