"""The log of a job, by Cloud Logging."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from dagfactory.jobs.client import Client
from dagfactory.runtime.jobstate import is_live

PAUSE = 2.0
"""Seconds between two looks; a project may read its logs 60 times a minute."""
BACK = timedelta(seconds=60)
"""How much older than the last entry one may be that arrives after it."""
LATE = 10.0
"""Seconds that the last lines of a job that has ended may take to arrive."""


def lines(client: Client, name: str, *, follow: bool) -> Iterator[str]:
    """Yield the lines of a job's log; with `follow` until the job has ended."""
    seen: set[str] = set()
    since, until = "", None
    while True:
        found = client.get(name)
        for entry in _entries(client, found, since):
            # a later look begins before the last entry: machines send at different times
            if entry["insertId"] not in seen:
                seen.add(entry["insertId"])
                since = max(since, entry["timestamp"])
                yield _line(entry)
        if not follow:
            return
        if not is_live(found):
            until = until or time.monotonic() + LATE
            if time.monotonic() >= until:
                return
        time.sleep(PAUSE)


def _entries(client: Client, found: dict[str, Any], since: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a job since a time; none while Vertex AI does not name who runs it."""
    runs = _run_by(found)
    if runs:
        late = f'\ntimestamp>="{_before(since)}"' if since else ""
        yield from client.entries(f'resource.type="ml_job"\nresource.labels.job_id="{runs}"{late}')


def _before(since: str) -> str:
    """Return the time from which a look begins: late entries are older than the last one."""
    return f"{datetime.fromisoformat(since) - BACK:%Y-%m-%dT%H:%M:%S.%fZ}"


def _run_by(found: dict[str, Any]) -> str:
    """Return the id under which a job logs: a pipeline's is that of the CustomJob behind it."""
    name: str = found["name"]
    if "/trainingPipelines/" in name:
        name = (found.get("trainingTaskMetadata") or {}).get("backingCustomJob") or ""
    return name.rpartition("/")[2]


def _line(entry: dict[str, Any]) -> str:
    payload = entry.get("jsonPayload") or {}
    said = entry.get("textPayload") or payload.get("message") or json.dumps(payload)
    severity = entry.get("severity", "DEFAULT")
    marked = "" if severity in ("DEFAULT", "INFO") else f"{severity} "
    return f"{entry['timestamp'][:19].replace('T', ' ')} {marked}{str(said).rstrip()}"
