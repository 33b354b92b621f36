"""What Vertex AI's answers about a job mean: its state, why it ended, what may mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

LIVE = ("QUEUED", "PENDING", "RUNNING", "CANCELLING")
"""The states in which a job may still write to its directory."""

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"
CANCELLING = "CANCELLING"
RESOURCE_EXHAUSTED = 8  # google.rpc.Code

# The texts of quota and stock-out errors as Vertex AI documents them: no field of the error tells a
# missing machine from other failures.
OUT_OF_STOCK = re.compile(
    r"stock-?out|insufficient (resources|capacity|quota)|(not|does not have) enough resources"
    r"|(resources?|capacity) (is|are) (insufficient|unavailable)|custom_model_training",
    re.IGNORECASE,
)
RATE = re.compile(r"per[ _]minute|per[ _]second|rate[ _-]?limit|too many requests", re.IGNORECASE)
# Vertex AI appends the log of a trainer that failed to its error; what a trainer has printed must not
# send the job to another machine.
STARTED = "exited with a non-zero status"


def state_of(found: Mapping[str, Any]) -> str:
    """Return the state of a pipeline or job without its prefix: RUNNING."""
    return str(found.get("state", "unknown")).rpartition("_STATE_")[2]


def is_live(found: Mapping[str, Any]) -> bool:
    """Return whether a job may still write."""
    return state_of(found) in LIVE


def error_text(found: Mapping[str, Any]) -> str:
    """Return Vertex AI's error text of a finished job, with the end of its log."""
    return str((found.get("error") or {}).get("message") or "").strip()


def out_of_stock(text: str) -> bool:
    """Return whether an error names a missing machine or GPU quota."""
    return STARTED not in text and OUT_OF_STOCK.search(text) is not None


def lacks_capacity(text: str, code: int | None = None) -> bool:
    """Return whether a fallback may help: out of stock, or exhausted but not a rate limit."""
    if out_of_stock(text):
        return True
    exhausted = code == RESOURCE_EXHAUSTED or "RESOURCE_EXHAUSTED" in text
    return exhausted and STARTED not in text and RATE.search(text) is None


def overran(ended: Mapping[str, Any]) -> bool:
    """Return whether a pipeline or CustomJob ran as long as its ``scheduling.timeout`` allows."""
    # By the clock: a job that Vertex AI ends for its time and one that a person cancels both end in
    # CANCELLED with an error of code 1.
    spec = ended.get("jobSpec") or ended.get("trainingTaskInputs") or {}
    limit = seconds((spec.get("scheduling") or {}).get("timeout"))
    ran = elapsed(ended, "startTime", "endTime")
    return limit is not None and ran is not None and ran >= limit


def elapsed(found: Mapping[str, Any], since: str, until: str) -> float | None:
    """Return the seconds between two times of a job, None when one is missing."""
    start, end = moment(found.get(since)), moment(found.get(until))
    return (end - start).total_seconds() if start and end else None


def moment(text: str | None) -> datetime | None:
    """Read a time of Vertex AI: 2026-01-05T03:00:00.123456Z."""
    return datetime.fromisoformat(text) if text else None


def seconds(duration: str | None) -> float | None:
    """Read a duration of Vertex AI (``3600s``); None when there is none, or no limit (0)."""
    return float(duration.removesuffix("s")) or None if duration else None


def failure(found: Mapping[str, Any], link: str) -> str:
    """Return the message of a failed task: state, Vertex AI's error text, console link."""
    state = found.get("state", "unknown")
    text = error_text(found) or "Vertex AI gave no reason"
    return f"{found['name']} ended in {state}\n{text}\n{link}"
