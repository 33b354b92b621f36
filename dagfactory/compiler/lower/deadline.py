"""The deadline of a run, for lines that have deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Call
from dagfactory.task_api.alerts import call
from dagfactory.task_api.arguments import delta

if TYPE_CHECKING:
    from dagfactory.language.alerts import Alerts
    from dagfactory.task_api.context import LoweringContext

_TEXTS = ("message", "subject", "body")
"""What a user may word: the words for a failure do not fit a deadline."""


def deadline_argument(alerts: Alerts | None, lowering: LoweringContext) -> dict[str, Any]:
    """Return the DAG's `deadline`; nothing where the line has none, which lint tells."""
    if alerts is None or alerts.deadline is None or not lowering.target.deadlines:
        return {}
    arguments = {"within": delta(alerts.deadline.within), "alerts": _recipients(alerts, lowering)}
    return {"deadline": Call(lowering.runtime("alert", "run_deadline"), arguments)}


def _recipients(alerts: Alerts, lowering: LoweringContext) -> list[Call]:
    """Return whom it concerns: those named for it, else those of failures, in our own words."""
    named = alerts.deadline.notify if alerts.deadline else None
    if named:
        return [call(each, "deadline", lowering) for each in named]
    # a late run is a matter of runs, so those of failed tasks come second
    found = alerts.on_run_failure or alerts.on_failure or []
    return [call(each, "deadline", lowering, leave_out=_TEXTS) for each in found]
