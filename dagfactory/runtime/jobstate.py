"""What Vertex AI's answers about a job mean: its state, why it ended, what may mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

LIVE = ("QUEUED", "PENDING", "RUNNING", "CANCELLING")
"""The states in which a job may still write to its directory."""

WAITING = ("QUEUED", "PENDING")
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
CANCELLED = "CANCELLED"
CANCELLING = "CANCELLING"
RESOURCE_EXHAUSTED = 8  # google.rpc.Code

# The texts of quota and stock-out errors as they were recorded (tests/runtime/vertex_errors.tsv): no
# field of the error tells a missing machine from other failures.
OUT_OF_STOCK = re.compile(
    r"stock-?out|insufficient (resources|capacity|quota)|(not|does not have) enough resources"
    r"|(resources?|capacity) (is|are) (insufficient|unavailable)|custom_model_training"
    r"|resource_pool_exhausted|currently unavailable in the|quota '\w+' exceeded"
    r"|maximum wait duration exceeded",
    re.IGNORECASE,
)
RATE = re.compile(r"per[ _]minute|per[ _]second|rate[ _-]?limit|too many requests", re.IGNORECASE)
# Refusals of a machine that another region or another machine may not meet.
UNFIT = re.compile(
    r"(machine|accelerator)( type)? .{1,80}(not supported|not available|unavailable)", re.IGNORECASE
)
REFUSAL = re.compile(r"4(?!08|29)\d\d ")  # as `session.message_of` begins
OTHER_REGION = re.compile(r"bucket .* is in location|in the same regional location", re.IGNORECASE)
BUCKET_HELP = (
    "A job writes to a bucket of its own region: delete `region` from `fallback`, or run the pipeline "
    "from an environment file with a bucket of that region."
)
# Vertex AI appends the log of a trainer that failed to its error; what a trainer has printed must not
# send the job to another machine.
STARTED = re.compile(r"exited with a non-zero status|replica workerpool", re.IGNORECASE)


def state_of(found: Mapping[str, Any]) -> str:
    """Return the state of a pipeline or job without its prefix: RUNNING."""
    return str(found.get("state", "unknown")).rpartition("_STATE_")[2]


def is_live(found: Mapping[str, Any]) -> bool:
    """Return whether a job may still write."""
    return state_of(found) in LIVE


def is_under_way(found: Mapping[str, Any]) -> bool:
    """Return whether a job waits or runs and nobody has cancelled it."""
    return is_live(found) and state_of(found) != CANCELLING


def is_waiting(found: Mapping[str, Any]) -> bool:
    """Return whether a job has no machines yet."""
    return state_of(found) in WAITING


def lacks_reason(found: Mapping[str, Any]) -> bool:
    """Return whether a job has failed and does not say why."""
    return state_of(found) == FAILED and not error_text(found)


def error_text(found: Mapping[str, Any]) -> str:
    """Return Vertex AI's error text of a finished job, with the end of its log."""
    return str((found.get("error") or {}).get("message") or "").strip()


def out_of_stock(text: str) -> bool:
    """Return whether an error names a missing machine or GPU quota."""
    return _says(OUT_OF_STOCK, text) and RATE.search(text) is None


def lacks_capacity(text: str, code: int | None = None) -> bool:
    """Return whether a fallback may help: out of stock, or exhausted but not a rate limit."""
    if out_of_stock(text):
        return True
    exhausted = code == RESOURCE_EXHAUSTED or "RESOURCE_EXHAUSTED" in text
    return exhausted and not STARTED.search(text) and RATE.search(text) is None


def another_place_may_help(text: str, code: int | None = None) -> bool:
    """Return whether an error is one of capacity, or of a machine that is not to be had there."""
    return lacks_capacity(text, code) or lacks_machine(text)


def _says(pattern: re.Pattern[str], text: str) -> bool:
    """Return whether Vertex AI, and not a trainer, says something."""
    return not STARTED.search(text) and pattern.search(text) is not None


def lacks_machine(text: str) -> bool:
    """Return whether a refusal names a machine or GPU that is not to be had there."""
    return _says(UNFIT, text)


def is_refusal(text: str) -> bool:
    """Return whether a text is that of a request which repeating cannot mend."""
    return REFUSAL.match(text) is not None and not lacks_capacity(text)


def explained(text: str) -> str:
    """Return an error's text, with what to do where Vertex AI does not say it."""
    return f"{text}\n{BUCKET_HELP}" if OTHER_REGION.search(text) else text


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
