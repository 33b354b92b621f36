"""Names of jobs: the labels a job is found by again, and its display name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

LABEL_LENGTH = 63
DISPLAY_LENGTH = 128
HASH_LENGTH = 8
PREFIX = "dagfactory-"
_FORBIDDEN = re.compile(r"[^a-z0-9_-]")


def label(text: str) -> str:
    """Return text as a Vertex label value: at most 63 of ``[a-z0-9_-]``.

    Text that had to be changed ends in a hash of the original, so that two task ids that differ
    only in forbidden characters never share a job.
    """
    clean = _FORBIDDEN.sub("_", text.lower())
    if clean == text and len(text) <= LABEL_LENGTH:
        return text
    return f"{clean[: LABEL_LENGTH - HASH_LENGTH - 1]}-{_digest(text, HASH_LENGTH)}"


def identity(dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> dict[str, str]:
    """Return the labels that name one task of one run, whatever the number of the attempt."""
    return {
        f"{PREFIX}dag": label(dag_id),
        f"{PREFIX}task": label(task_id),
        f"{PREFIX}run": _digest(run_id, 16),
        f"{PREFIX}map": str(map_index),
    }


def merged(own: Mapping[str, str], user: Mapping[str, str] | None) -> dict[str, str]:
    """Return the user's labels made valid, with the identity on top of them."""
    cleaned = {label(key): label(str(value)) for key, value in (user or {}).items()}
    return {**cleaned, **own}


def filter_text(labels: Mapping[str, str]) -> str:
    """Write labels as a filter of a Vertex list call: ``labels.key="value" AND …``."""
    return " AND ".join(f'labels.{key}="{value}"' for key, value in labels.items())


def display_name(dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> str:
    """Return what the console shows: ``dag/task[3] run``, cut to Vertex's 128 characters."""
    place = f"[{map_index}]" if map_index >= 0 else ""
    return f"{dag_id}/{task_id}{place} {run_id}"[:DISPLAY_LENGTH]


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
