"""Dates that differ between the lines of Airflow that one spec is rendered for.

A run of the clock has for its logical date when its interval began on Airflow 2, and when it was due on
Airflow 3: the day before, for a daily schedule. The end of its interval is when it was due on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._texts import Text, rendered
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.document.locate import locate

if TYPE_CHECKING:
    from dagfactory.compiler.lint._template import Use
    from dagfactory.compiler.plan.model import Plan

_END = "data_interval_end"
SAME = {name: f"{_END} | {name}" for name in ("ds", "ds_nodash", "ts", "ts_nodash")} | {
    "ts_nodash_with_tz": f"{_END} | ts_nodash_with_tz",
    "logical_date": _END,
    "data_interval_start": _END,
    "prev_data_interval_start_success": "prev_data_interval_end_success",
    "dag_run.logical_date": _END,
    "dag_run.data_interval_start": _END,
}
"""The variables that differ, with what is the same on both lines."""


def differing_dates(plans: Iterable[Plan]) -> Iterator[Diagnostic]:
    """Find the first use of such a date in a spec that environments render for both lines."""
    by_line = {plan.target: plan for plan in plans}
    if len(by_line) == 1 or "airflow2" not in by_line or not _clock_alone(by_line["airflow2"]):
        return
    plan = by_line["airflow2"]
    places = [
        (text, use, name)
        for text in rendered(plan)
        for use in text.template.uses
        if (name := _name(use)) in SAME
    ]
    if places:
        yield locate(plan.node, _difference(*places[0], others=len(places) - 1))


def _clock_alone(plan: Plan) -> bool:
    """Whether Airflow makes the timetable from a cron text or an interval: beside assets we do."""
    schedule = plan.pipeline.schedule
    if not schedule or schedule.assets:
        return False
    return schedule.preset not in ("@once", "@continuous")


def _name(use: Use) -> str:
    return ".".join(use.chain[:2]) if use.name == "dag_run" else use.name


def _difference(text: Text, use: Use, name: str, *, others: int) -> Diagnostic:
    more = (f"so in {others} more place{'s' if others > 1 else ''} of this spec",) if others else ()
    return Diagnostic(
        "DF353",
        f"`{name}` is when the interval began on Airflow 2, and when the run was due on Airflow 3",
        Pointer(text.path, start=use.start, end=use.start + len(name)),
        help=f"write `{SAME[name]}`, the same on both",
        notes=more,
        severity="warning",
    )
