"""When a pipeline runs: cron, a preset, an interval, or assets."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.assets import Assets
from dagfactory.language.common import PositiveDuration, SpecModel, bad, wrong_type
from dagfactory.language.duration import parse_duration

Preset = Literal[
    "@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly"
]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: at for at, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 7, {name: at for at, name in enumerate(_DAYS)}),
)
_PART = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise bad(
            f"`{shorten(text)}` has {len(fields)} field{'s'[: len(fields) != 1]} instead of 5",
            _meant(text)
            or 'write minute, hour, day, month and weekday like "0 3 * * 1", or `@daily`',
        )
    for field, found in zip(_FIELDS, re.finditer(r"\S+", text), strict=True):
        at = found.start()
        for part in found[0].split(","):
            problem = _part_problem(part.lower(), *field)
            if problem:
                raise bad(*problem, part=(at, at + max(1, len(part))))
            at += len(part) + 1
    return " ".join(fields)


def _meant(text: str) -> str | None:
    """Return what to write for the name of a preset without its `@`, and for a duration."""
    if f"@{text.lower()}" in get_args(Preset):
        return f'write `"@{text.lower()}"`'
    try:
        parse_duration(text)
    except ValueError:
        return None
    return f"write `{{every: {text}}}`"


def _part_problem(
    part: str, name: str, low: int, high: int, names: dict[str, int]
) -> tuple[str, str | None] | None:
    """Return a message and a remedy for one item of a field, or None when it is right."""
    found = _PART.fullmatch(part)
    if not found:
        return (
            f"`{shorten(part)}` is not a {name} of cron",
            "write `*`, `5`, `1-5`, `*/10` or `1,15`",
        )
    ends = [names.get(end, end) for end in (found["low"], found["high"]) if end]
    for end in ends:
        if not str(end).isdecimal() or not low <= int(end) <= high:
            return f"{name} `{shorten(str(end))}` is outside {low}-{high}", None
    if len(ends) > 1 and int(ends[0]) > int(ends[1]):
        return f"{name} `{part}` runs backwards", "write the smaller end first"
    if found["step"] and int(found["step"]) == 0:
        return f"a step of 0 in the {name}", "write `*/1` or more"
    return None


def _shape(value: Any) -> Any:
    """Give the short forms (a cron text, a preset) the shape of the model."""
    if isinstance(value, str):
        return {"preset": value} if value.startswith("@") else {"cron": value}
    if isinstance(value, dict | Schedule):
        return value
    raise wrong_type("a cron text, a preset, `{every: 6h}` or `{assets: [...]}`")


class Schedule(SpecModel):
    """One way to say when a pipeline runs, or a cron text and assets together."""

    cron: Annotated[str, AfterValidator(_cron)] | None = Field(None, description="five cron fields")
    preset: Preset | None = Field(None, description="a schedule by name")
    every: PositiveDuration | None = Field(None, description="a fixed interval, e.g. 6h")
    assets: Assets | None = Field(
        None,
        description="run when these assets were updated; beside `cron`, also at its times",
        examples=[["gs://bucket/images"], {"any": ["images", "words"]}],
    )

    @model_validator(mode="after")
    def _one(self) -> Schedule:
        given = sorted(self.model_fields_set)
        if len(given) != 1 and given != ["assets", "cron"]:
            choices = "exactly one of `cron`, `preset`, `every` and `assets`"
            raise bad(f"a schedule needs {choices}", "only `cron` and `assets` go together")
        return self

    @property
    def timed(self) -> bool:
        """Whether the clock starts runs, so that a start date is needed."""
        return self.assets is None or self.cron is not None


ScheduleField = Annotated[Schedule, BeforeValidator(_shape, json_schema_input_type=str | Schedule)]
