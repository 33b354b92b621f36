"""`wait_until`: wait for a time of day, for a point in time, or for a while; costs no worker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import PositiveDuration, Text, bad, is_open, missing
from dagfactory.language.task import TaskBase
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._google import lazy

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

SENSOR = "airflow.providers.standard.sensors.date_time.DateTimeSensorAsync"
WAYS = ("time", "delay", "at")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_END = "data_interval_end"
_START = "ti.start_date"
"""Airflow starts a task when everything before it has ended."""


def _clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise bad(f"`{shorten(text)}` is not a time of day", "write for example `06:30`")
    return text


def _moment(text: str) -> str:
    from datetime import datetime

    try:
        found = None if is_open(text) else datetime.fromisoformat(text)
    except ValueError:
        raise bad(f"`{shorten(text)}` is not a time", "write `2026-01-05T06:30+01:00`") from None
    if found and not found.tzinfo:
        raise bad(f"`{text}` has no time zone", f"write for example `{text}+00:00`")
    return text


class WaitUntil(TaskBase):
    """Wait until then; what lies in the past already holds nothing up."""

    type: Literal["wait_until"]
    time: Annotated[Text, AfterValidator(_clock)] | None = Field(
        None,
        description="Time of day in the pipeline's time zone, on the day on which the run is due.",
        examples=["06:30"],
    )
    delay: PositiveDuration | None = Field(
        None, description="How long to wait, counted as `from` says.", examples=["2h"]
    )
    counted_from: Literal["due", "start"] = Field(
        "due",
        alias="from",
        description="Whether `delay` counts from when the run was due, or from the start of this task,"
        " when everything before it has ended.",
    )
    at: Annotated[Text, AfterValidator(_moment)] | None = Field(
        None,
        description="Point in time, with its offset.",
        examples=["{{ data_interval_end.add(hours=2) }}", "2026-01-05T06:30+01:00"],
    )

    @model_validator(mode="after")
    def _one(self) -> WaitUntil:
        named = [key for key in WAYS if getattr(self, key) is not None]
        if not named:
            raise missing("time", "or `delay`, or `at`: what is waited for")
        if len(named) > 1:
            raise bad(f"`{named[0]}` and `{named[1]}` exclude each other", "keep one", (named[1],))
        if "counted_from" in self.model_fields_set and self.delay is None:
            raise bad("`from` is about a delay", "add `delay:`, or delete it", ("from",))
        return self


def lower(task: WaitUntil, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the standard sensor, deferrable and imported when the task runs."""
    arguments: dict[str, Any] = {"target_time": _target(task, lowering.pipeline.timezone)}
    return lazy(task, lowering, context, SENSOR, arguments)


def _target(task: WaitUntil, zone: str) -> str:
    """Return the time as a text that may be a template."""
    if task.time:
        hour, minute = map(int, task.time.split(":"))
        day = f"{_END}.in_timezone('{zone}')"
        clock = f"hour={hour}, minute={minute}, second=0, microsecond=0"
        return "{{ " + f"{day}.replace({clock})" + " }}"
    if task.delay:
        length = int(task.delay.total_seconds())
        if task.counted_from == "start":
            return "{{ (" + f"{_START} + macros.timedelta(seconds={length})" + ").isoformat() }}"
        return "{{ " + f"{_END}.add(seconds={length})" + " }}"
    return task.at or ""


TASK_TYPE = TaskType(WaitUntil, lower)
