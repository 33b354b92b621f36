"""When a DAG runs, as Airflow's arguments."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dagfactory.dagfile.model import Call
from dagfactory.task_api.arguments import delta
from dagfactory.task_api.assets import condition

if TYPE_CHECKING:
    from dagfactory.dagfile.targets import Target
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.schedule import Schedule
    from dagfactory.task_api.context import LoweringContext


def schedule_arguments(pipeline: Pipeline, lowering: LoweringContext) -> dict[str, Any]:
    """Return `schedule`, `start_date`, `end_date` and `catchup`."""
    zone, target = pipeline.timezone, lowering.target
    made: dict[str, Any] = {
        "schedule": _schedule(pipeline.schedule, zone, lowering) if pipeline.schedule else None,
        "start_date": _date(pipeline.start_date, zone, target),
    }
    if pipeline.end_date:
        made["end_date"] = _date(pipeline.end_date, zone, target)
    # always written, like `schedule`: Airflow 2 and 3 have different defaults
    return made | {"catchup": pipeline.catchup}


def _schedule(schedule: Schedule, zone: str, lowering: LoweringContext) -> Any:
    """Return the schedule: cron text, preset, interval, assets, or assets and cron text."""
    if schedule.every:
        return delta(schedule.every)
    if schedule.assets and schedule.cron:
        target = lowering.target
        times = Call(target.symbol("CronTriggerTimetable"), {"timezone": zone}, (schedule.cron,))
        wanted = {target.word("assets"): condition(schedule.assets, lowering), "timetable": times}
        return Call(target.symbol("AssetOrTimeSchedule"), wanted)
    if schedule.assets:
        return condition(schedule.assets, lowering)
    return schedule.cron or schedule.preset


def _date(value: datetime, zone: str, target: Target) -> Call:
    """Return `datetime(year, month, day…, tz=zone)`; UTC is the default and left out."""
    parts = [value.year, value.month, value.day, value.hour, value.minute, value.second]
    # a reviewer reads `datetime(2026, 1, 5)`, not a row of zeros
    while len(parts) > 3 and parts[-1] == 0:  # noqa: PLR2004 - a date has at least three parts
        parts.pop()
    keywords = {} if zone == "UTC" else {"tz": zone}
    return Call(target.symbol("datetime"), keywords, tuple(parts))
