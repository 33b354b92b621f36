"""How many runs a month has, by a schedule."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from dagfactory.cost.terms import Runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.schedule import Schedule

DAYS = 365.25 / 12
HOURS = 730
"""Days and hours of a month; the hours are those that cloud price lists count with."""

_PRESETS = {
    "@hourly": 24 * DAYS,
    "@daily": DAYS,
    "@weekly": DAYS / 7,
    "@monthly": 1,
    "@quarterly": 1 / 3,
    "@yearly": 1 / 12,
}
_START = datetime(2024, 1, 1, tzinfo=UTC)
_YEARS = 28
"""After so many years the days of the week fall on the same dates again."""


def runs_of(pipeline: Pipeline) -> Runs:
    """Return the runs of a month: as given, by the schedule, or one that is assumed."""
    given = pipeline.usage.runs_per_month
    if given is not None:
        return Runs(given, "given", "runs_per_month")
    schedule = pipeline.schedule
    count = _scheduled(schedule) if schedule else None
    if schedule is None or count is None:
        why = "no schedule" if schedule is None else "the schedule does not say how many"
        return Runs(1, "assumed", why)
    return Runs(count, "by the schedule", schedule.cron or schedule.preset or "every")


def _scheduled(schedule: Schedule) -> float | None:
    """Return the runs of a mean month; None where the clock does not decide."""
    if schedule.assets:
        return None
    if schedule.every:
        return timedelta(days=DAYS) / schedule.every
    if schedule.preset:
        return _PRESETS.get(schedule.preset)
    return cron_runs(schedule.cron or "")


@cache
def cron_runs(text: str) -> float | None:
    """Return how often a cron text fires in a mean month; None for one that names years."""
    from croniter import croniter

    fields = list(croniter.expand(text)[0])
    if len(fields) > 6 or text.startswith("@"):  # noqa: PLR2004 - minute to second
        return _PRESETS.get(text.lower())
    minute, hour, day, month, weekday, *second = fields
    per_day = _values(minute, 60) * _values(hour, 24)
    per_day *= _values(second[0], 60) if second else 1
    if [day, month, weekday] == [["*"]] * 3:
        return per_day * DAYS
    return per_day * _days(" ".join(text.split()[2:5])) / (_YEARS * 12)


def _values(field: Sequence[object], every: int) -> int:
    return every if list(field) == ["*"] else len(field)


def _days(dates: str) -> int:
    """Return on how many days of the years a cron text's last fields hold."""
    from croniter import CroniterBadDateError, croniter

    times = croniter(f"0 0 {dates}", _START - timedelta(seconds=1), ret_type=datetime)
    end, count = _START.replace(year=_START.year + _YEARS), 0
    with suppress(CroniterBadDateError):  # a day that never comes
        while times.get_next() < end:
            count += 1
    return count
