"""POST JSON to the address of an Airflow connection; the address is never logged."""

from __future__ import annotations

import time
from typing import Any

TRIES = 3
PAUSE = 2.0
"""Seconds before the second try, doubled before the third."""
TIMEOUT = 10.0
_TRANSIENT = (429, 500, 502, 503, 504)


class NotSentError(Exception):
    """The message was not accepted. The text does not hold the address, which may be a secret."""


def connection(conn_id: str) -> Any:
    """Return an Airflow connection; raises NotSentError where it does not exist."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise NotSentError(f"there is no connection {conn_id}") from None


def base_url(conn: Any, default: str) -> str:
    """Return the base address of a connection without a final `/`; `default` without a host."""
    host = (conn.host or "").strip()
    if not host:
        return default
    # Airflow's form keeps scheme and port apart, but its own hooks also accept a whole URL as host.
    if "://" not in host:
        host = f"{conn.schema or 'https'}://{host}"
        host += f":{conn.port}" if conn.port else ""
    return host.rstrip("/")


def post_json(url: str, body: Any, **options: Any) -> Any:
    """POST JSON and return the response; repeat transient errors, then raise NotSentError."""
    problem = ""
    for attempt in range(TRIES):
        # Short in all: the process that calls is a worker's, or the DAG processor's own loop.
        time.sleep(PAUSE * attempt)
        answer, problem, transient = _post_once(url, body, options)
        if not problem:
            return answer
        if not transient:
            break
    raise NotSentError(problem)


def _post_once(url: str, body: Any, options: dict[str, Any]) -> tuple[Any, str, bool]:
    """Return the response, what is wrong with it, and whether the error is transient."""
    # imported when an alert fires: most parses of a DAG file and most tasks send nothing
    import requests

    try:
        answer = requests.post(url, json=body, timeout=TIMEOUT, **options)
    except requests.RequestException as error:
        # the kind only: the text of the exception repeats the URL
        return None, f"no answer ({type(error).__name__})", True
    if answer.ok:
        return answer, "", False
    return (
        answer,
        f"HTTP {answer.status_code} {answer.text[:200]}",
        answer.status_code in _TRANSIENT,
    )
