"""What a job that has succeeded wrote into its metrics.json, for its result in XCom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any

from . import metrics
from .session import HttpError
from .storage import StorageClient

MOST = 100
"""Metrics in XCom, which is for small values; the file has all."""


def written_metrics(
    store: Callable[[], StorageClient], address: Any, created: str, log: Any
) -> dict[str, Any]:
    """Return ``{"metrics": {name: value}}``, with None for it where nothing usable was written.

    ``created`` is when the job was created, in RFC 3339. Empty for a job without an address for metrics,
    and where the file cannot be read at the moment.
    """
    if not isinstance(address, str):  # no output directory, or one for each trial of a pack
        return {}
    try:
        document, written = store().read_dated_json(address)
        found = metrics.parse(document)
    except (HttpError, OSError, ValueError) as error:
        # the job has succeeded: what needs its metrics reads them again
        log.warning("%s could not be read: %s", address, error)
        return {}
    # one that says for itself that its run was complete may be of an earlier try, which this one resumed
    old = found.flat and written and written < datetime.fromisoformat(created)
    if found.problem or old:
        log.warning("%s: %s", address, found.problem or "it is older than this job")
        return {"metrics": None}
    values = islice(found.values.items(), MOST)
    return {"metrics": {str(name): metrics.as_json(value) for name, value in values}}
