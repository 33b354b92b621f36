"""Sending JSON to an address that an Airflow connection holds; the address never gets into a log."""

from __future__ import annotations

import time
from typing import Any

TRIES = 3
PAUSE = 2.0
"""Seconds before the second try, doubled before the third."""
TIMEOUT = 10.0
_PASSING = (429, 500, 502, 503, 504)


class NotSentError(Exception):
    """Nobody took the message; the text holds no address, which may be a secret."""


def connection(conn_id: str) -> Any:
    """Return an Airflow connection, wherever Airflow keeps it; raises NotSentError for none."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise NotSentError(f"there is no connection {conn_id}") from None


def address(conn: Any, default: str) -> str:
    """Return the base address of a connection without a `/` at its end; `default` for no host."""
    host = (conn.host or "").strip()
    if not host:
        return default
    if "://" not in host:
        host = f"{conn.schema or 'https'}://{host}"
        host += f":{conn.port}" if conn.port else ""
    return host.rstrip("/")


def post(url: str, body: Any, **options: Any) -> Any:
    """POST JSON and return the answer; tries again what may pass, then raises NotSentError."""
    problem = ""
    for attempt in range(TRIES):
        time.sleep(PAUSE * attempt)
        answer, problem, passing = _once(url, body, options)
        if not problem:
            return answer
        if not passing:
            break
    raise NotSentError(problem)


def _once(url: str, body: Any, options: dict[str, Any]) -> tuple[Any, str, bool]:
    """Return the answer, what is wrong with it, and whether that may pass."""
    import requests

    try:
        answer = requests.post(url, json=body, timeout=TIMEOUT, **options)
    except requests.RequestException as error:
        return None, f"no answer ({type(error).__name__})", True
    if answer.ok:
        return answer, "", False
    return answer, f"HTTP {answer.status_code} {answer.text[:200]}", answer.status_code in _PASSING
