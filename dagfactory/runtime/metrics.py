"""A job's `metrics.json` in either of its forms: pure functions.

The long form says whether the run was complete. A flat object of values says nothing of it, so that it
counts only after its job has succeeded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 1
FORMS = (
    '{"accuracy": 0.9}, or {"schema_version": 1, "metrics": {"accuracy": 0.9}, "step": 10,'
    ' "complete": true}'
)
UNFINISHED = "its job has not succeeded, and a flat metrics.json does not say that it was complete"
_LONG = ("schema_version", "metrics", "complete")


@dataclass(frozen=True, slots=True)
class Metrics:
    """The values of a metrics.json, and the problem why they do not count.

    A ``stopped`` run has written a document that is in order and not of a complete run.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    flat: bool = False
    stopped: bool = False


def parse(document: Any) -> Metrics:
    """Read a metrics.json as JSON gives it; ``document`` is None without a file."""
    if document is None:
        return Metrics(problem=f"there is no metrics.json; a program writes {FORMS}")
    if not isinstance(document, Mapping) or not document:
        return Metrics(problem=f"metrics.json has no metrics; write {FORMS}")
    if any(name in document for name in _LONG):
        return _long(document)
    nested = next((name for name, value in document.items() if _is_nested(value)), None)
    if nested is not None:
        return Metrics(problem=f"`{nested}` of metrics.json is not one value; write {FORMS}")
    return Metrics(document, flat=True)


def as_json(value: Any) -> Any:
    """Write what JSON cannot hold (NaN, dates) as text, for XCom is JSON."""
    plain = value is None or isinstance(value, bool | int | str)
    finite = isinstance(value, float) and math.isfinite(value)
    return value if plain or finite else str(value)


def _long(document: Mapping[str, Any]) -> Metrics:
    metrics = document.get("metrics")
    if not isinstance(metrics, Mapping):
        return Metrics(problem=f"metrics.json has no metrics; write {FORMS}")
    if document.get("schema_version") != SCHEMA_VERSION:
        found = document.get("schema_version")
        return Metrics(problem=f"metrics.json has schema_version {found!r}, not {SCHEMA_VERSION}")
    if document.get("complete") is not True:
        step = document.get("step")
        return Metrics(metrics, f"the run stopped early, at step {step}", stopped=True)
    return Metrics(metrics)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list)
