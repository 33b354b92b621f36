"""Cron texts: croniter, by which both Airflow lines read them, decides; this says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic_core import PydanticCustomError

from dagfactory.diagnostics.wording import closest, did_you_mean, either, shorten
from dagfactory.language.common import bad
from dagfactory.language.duration import parse_duration

if TYPE_CHECKING:
    from croniter import croniter

Preset = Literal[
    "@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly"
]


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a cron text, for explanations only: croniter knows by itself what it may hold."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    example: str = "write `*`, `5`, `1-5`, `*/10` or `1,15`"


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAY = "write `*`, `5`, `1-5`, `*/10`, `1,15`, `L` (the last) or `15W` (the nearest workday)"
_WEEKDAY = "write `*`, `1`, `mon-fri`, `sat,sun`, `mon#1` (the first) or `L5` (the last)"
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31, example=_DAY),
    _Field("month", 1, 12, _MONTHS, "write `*`, `5`, `jan`, `1-5` or `jan-mar`"),
    _Field("day of week", 0, 7, _DAYS, example=_WEEKDAY),
    _Field("second", 0, 59),
    _Field("year", 1970, 2099),
)
FIELDS = 5
"""Fields of a cron text; a sixth is the second, a seventh the year."""
_COUNTS = range(FIELDS, len(_FIELDS) + 1)
_RANGE = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)
_DIGITS = 9
_HASH = re.compile(r"h(?:$|[(/])", re.IGNORECASE)
_RANDOM = re.compile(r"r(?:\(\d+-\d+\))?(?:/\d+)?", re.IGNORECASE)
_AIRFLOWS_OWN = {"@quarterly": "0 0 1 */3 *"}
"""The one word for cron fields that Airflow adds to croniter's."""
_Words = tuple[str, str | None]


def accepts(text: str) -> bool:
    """Whether Airflow takes a text as cron, as its timetables' `validate` does."""
    try:
        _read(text)
    except ValueError:  # croniter's own errors, and a number too long for int()
        return False
    return True


def checked(text: str) -> str:
    """Return a cron text with single spaces, a word such as `@Daily` in small letters.

    Raises DF123 at the first part of a field that Airflow refuses, and at random times.
    """
    fields = list(re.finditer(r"\S+", text))
    for found in fields:
        if _RANDOM.fullmatch(found[0]):
            # each parse of the DAG file draws another time: what runs would not be what was checked
            message = f"`{shorten(found[0])}` is another time whenever Airflow reads it"
            raise bad(message, "write a fixed time", part=found.span())
    if not accepts(text):
        raise _explained(text, fields)
    return text.lower() if text.startswith("@") else " ".join(each[0] for each in fields)


def days_and_months(text: str) -> tuple[list[Any], list[Any]]:
    """Return what a checked text allows: numbers, `"l"` for a month's last day, or `["*"]` for all."""
    found = _read(text).expanded
    return found[2], found[3]


def first(text: str, start: datetime) -> datetime | None:
    """Return the first time of a checked text at or after `start` (local time, without a zone).

    None when Airflow finds none: it gives up after 50 years.
    """
    from croniter import CroniterBadDateError

    try:
        found: datetime = _read(text, start - timedelta(seconds=1)).get_next(datetime)
    except CroniterBadDateError:
        return None
    return found


def in_five_fields(fields: list[str]) -> str | None:
    """Return what six or seven fields of another tool mean: Quartz has seconds in front, AWS years behind."""
    tries = (fields[1:6], fields[:5])
    likely = tries if fields[0].isdecimal() else tries[::-1]
    return next((" ".join(each) for each in likely if accepts(" ".join(each))), None)


def _read(text: str, start: datetime | None = None) -> croniter:
    # imported here: croniter costs as much as half a check, and many specs hold no cron text
    from croniter import croniter

    return croniter(_AIRFLOWS_OWN.get(text, text), start)


def _explained(text: str, fields: list[re.Match[str]]) -> PydanticCustomError:
    """Return the error for a text that is refused: its first wrong part, or field."""
    count = len(fields)
    if count not in _COUNTS:
        message = f"`{shorten(text)}` has {count} field{'s'[: count != 1]} instead of 5"
        return bad(message, _meant(text))
    # a part is wrong when it is wrong with nothing beside it; a field, with nothing around it
    for split in (_parts, _whole):
        for at, found in enumerate(fields):
            for start, part in split(found):
                if not part or not _fits(part, at, count):
                    message, remedy = _fault(part, at, count)
                    marked = (start, start + max(1, len(part)))
                    return bad(message, _five_instead(fields) or remedy, part=marked)
    return bad(f"`{shorten(text)}` is not a cron text")


def _meant(text: str) -> str:
    """Return what to write for a preset in the wrong place or without its `@`, and for a duration."""
    presets = get_args(Preset)
    if text in presets:
        return f"`{text}` stands alone, without `cron`"
    if f"@{text.lower()}" in presets:
        return f'write `"@{text.lower()}"`'
    try:
        parse_duration(text)
    except ValueError:
        near = did_you_mean(text, presets) if text.startswith("@") else None
        return near or 'write minute, hour, day, month and weekday like "0 3 * * 1", or `@daily`'
    return f"write `{{every: {text}}}`"


def _parts(field: re.Match[str]) -> Iterator[tuple[int, str]]:
    start = field.start()
    for part in field[0].split(","):
        yield start, part
        start += len(part) + 1


def _whole(field: re.Match[str]) -> Iterator[tuple[int, str]]:
    yield field.start(), field[0]


def _fits(part: str, at: int, count: int) -> bool:
    fields = ["*"] * count
    fields[at] = part
    return accepts(" ".join(fields))


def _five_instead(fields: list[re.Match[str]]) -> str | None:
    if len(fields) == FIELDS:
        return None
    better = in_five_fields([each[0] for each in fields])
    return f"without seconds and years this is `{better}`" if better else None


def _fault(part: str, at: int, count: int) -> tuple[str, str | None]:
    """Return a message and a remedy for a part of a field, or a field, that is wrong by itself."""
    field = _FIELDS[at]
    if field.words is _DAYS and count > FIELDS:
        field = replace(field, high=6)  # Sunday is 7 in five fields only
    for explain in _FAULTS:
        found = explain(part, field)
        if found:
            return found
    return f"`{shorten(part)}` is not a {field.name} of cron", field.example


def _list_fault(part: str, field: _Field) -> _Words | None:
    """Explain a list of which every part is right by itself."""
    if "," not in part:
        return None
    odd = next((sign for sign in "?W#L" if sign in part.upper()), None)
    what = f"`{odd}`" if odd else "this"
    message = f"{what} does not go together with the rest of {field.name} `{shorten(part)}`"
    return message, "write one of them, or make two pipelines"


def _question_fault(part: str, field: _Field) -> _Words | None:
    if part != "?":
        return None
    return f"`?` stands for any day of month or week, not for a {field.name}", "write `*`"


def _hash_fault(part: str, field: _Field) -> _Words | None:
    if not _HASH.match(part):
        return None
    message = f"`{shorten(part)}` is Jenkins's, and Airflow cannot read it"
    return message, f"write a {field.name} of {field.low}-{field.high}"


def _nth_fault(part: str, field: _Field) -> _Words | None:
    """Explain `mon#6` and `foo#1`, where a day of the week may have a number in its month."""
    day, sign, nth = part.partition("#")
    if not sign or field.words is not _DAYS:
        return None
    if not re.fullmatch("[1-5]", nth):
        return f"no month has a {field.name} `#{shorten(nth)}`", "write `#1` to `#5`"
    return _range_fault(day, field)


def _range_fault(part: str, field: _Field) -> _Words | None:
    """Explain an end that is outside of a field, and a step of nothing."""
    found = _RANGE.fullmatch(part)
    if not found:
        return None
    for end in filter(None, (found["low"], found["high"])):
        # longer numbers are outside of every field, and int() refuses very long ones
        number = int(end) if end.isdecimal() and len(end) <= _DIGITS else -1
        if end.lower() in field.words or field.low <= number <= field.high:
            continue
        near = closest(end, field.words, 1)
        others = None if end.isdecimal() else field.example
        remedy = f"did you mean {either(near)}?" if near else others
        return f"{field.name} `{shorten(end)}` is outside {field.low}-{field.high}", remedy
    if found["step"] and not found["step"].strip("0"):
        return f"a step of 0 in the {field.name}", "write `*/1` or more"
    return None


_FAULTS: tuple[Callable[[str, _Field], _Words | None], ...] = (
    _list_fault,
    _question_fault,
    _hash_fault,
    _nth_fault,
    _range_fault,
)
