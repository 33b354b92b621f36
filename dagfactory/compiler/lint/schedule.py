"""Schedules that never fire: a day that none of their months has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan

# 29 in February: a run in leap years only is rare, and yet a run
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find cron texts whose days do not exist in their months."""
    cron = plan.pipeline.schedule.cron if plan.pipeline.schedule else None
    if not cron:
        return
    _, _, day, month, weekday = cron.split()
    months = sorted(_values(month, 1, 12))
    first = min(_values(day, 1, 31))
    # with a weekday cron fires on that day or on the day of the month, so it does fire
    if weekday == "*" and all(first > _DAYS[each - 1] for each in months):
        longest = max(_DAYS[each - 1] for each in months)
        named = ", ".join(_NAMES[each - 1] for each in months)
        message = f"this never fires: there is no day {first} in {named}"
        node = plan.node.find(("schedule",))
        path = ("schedule", "cron") if node and isinstance(node.value, dict) else ("schedule",)
        yield Diagnostic("DF310", message, Pointer(path), help=f"the last day is {longest}")


def _values(field: str, low: int, high: int) -> set[int]:
    """Return the numbers that a checked field of cron stands for."""
    found: set[int] = set()
    for part in field.lower().split(","):
        ends, _, step = part.partition("/")
        first, _, last = ends.partition("-")
        start = low if first == "*" else _number(first)
        stop = _number(last) if last else high if step or first == "*" else start
        found.update(range(start, stop + 1, int(step or 1)))
    return found


def _number(text: str) -> int:
    return _MONTHS.get(text) or int(text)
