"""Labels by which a job is found again, and its display name."""

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
    """Return text as a label value of Vertex AI: at most 63 of ``[a-z0-9_-]``."""
    clean = _FORBIDDEN.sub("_", text.lower())
    if clean == text and len(text) <= LABEL_LENGTH:
        return text
    # The hash of the original keeps task ids apart that differ only in what labels cannot hold; they
    # would attach to each other's jobs.
    return f"{clean[: LABEL_LENGTH - HASH_LENGTH - 1]}-{_digest(text, HASH_LENGTH)}"


def task_labels(dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> dict[str, str]:
    """Return the labels that name one task of one run."""
    # The number of the try is not among them: a retry has to find the job of the try before it.
    return {
        f"{PREFIX}dag": label(dag_id),
        f"{PREFIX}task": label(task_id),
        f"{PREFIX}run": run_label(run_id),
        f"{PREFIX}map": str(map_index),
    }


def run_label(run_id: str) -> str:
    """Return the label value of a run."""
    return _digest(run_id, 16)  # run ids hold `:` and `+`, which labels forbid


def with_user_labels(own: Mapping[str, str], user: Mapping[str, str] | None) -> dict[str, str]:
    """Return the user's labels made valid, overridden by our own."""
    cleaned = {label(key): label(str(value)) for key, value in (user or {}).items()}
    return {**cleaned, **own}


def list_filter(labels: Mapping[str, str]) -> str:
    """Write labels as a filter of a Vertex list call: ``labels.key="value" AND …``."""
    return " AND ".join(f'labels.{key}="{value}"' for key, value in labels.items())


def display_name(dag_id: str, task_id: str, run_id: str, map_index: int = -1) -> str:
    """Return what the console shows: ``dag/task[3] run``, cut to Vertex's 128 characters."""
    index = f"[{map_index}]" if map_index >= 0 else ""
    return f"{dag_id}/{task_id}{index} {run_id}"[:DISPLAY_LENGTH]


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
