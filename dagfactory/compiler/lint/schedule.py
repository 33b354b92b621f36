"""Cron texts that Airflow takes and that mean something else than they seem to, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.cron import FIELDS, days_and_months, first, in_five_fields

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find cron texts that never fire, and those of six or seven fields."""
    schedule, start = plan.pipeline.schedule, plan.pipeline.start_date
    if not schedule or not schedule.cron:
        return
    node = plan.node.find(("schedule",))
    path = ("schedule", "cron") if node and isinstance(node.value, dict) else ("schedule",)
    if first(schedule.cron, start) is None:
        yield _never(schedule.cron, path)
    elif len(schedule.cron.split()) > FIELDS:
        yield _seconds(schedule.cron.split(), path)


def _never(cron: str, path: tuple[str, ...]) -> Diagnostic:
    """Say why no time is found: a day that none of the months has, or the fields taken together."""
    days, months = days_and_months(cron)
    here = [each for each in months if each != "*"] or list(range(1, 13))
    longest = max(_DAYS[each - 1] for each in here)
    first_day = min((each for each in days if isinstance(each, int)), default=0)
    if "l" in days or first_day <= longest:
        message = "this never fires: no day from `start_date` on is in all of its fields"
        return Diagnostic(
            "DF310", message, Pointer(path), help="write fewer fields; `*` leaves one open"
        )
    named = ", ".join(_NAMES[each - 1] for each in here)
    message = f"this never fires: there is no day {first_day} in {named}"
    return Diagnostic("DF310", message, Pointer(path), help=f"the last day is {longest}")


def _seconds(fields: list[str], path: tuple[str, ...]) -> Diagnostic:
    better = in_five_fields(fields)
    return Diagnostic(
        "DF318",
        f"of {len(fields)} fields Airflow takes the sixth for the second, not the first",
        Pointer(path),
        help=f"without seconds this is `{better}`" if better else None,
        severity="warning",
    )
