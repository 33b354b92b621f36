"""Types shared by all models of the language, each with errors a user can act on.

Every text may hold `${...}` references and Airflow's `{{ ... }}`; a checked text that holds one is
"open": its final form is not known yet, so only its closed parts could be wrong and it is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from dagfactory.diagnostics.wording import closest, either, shorten
from dagfactory.language.duration import duration_text, parse_duration


class SpecModel(BaseModel):
    """Base of all models: strict types, no unknown keys, immutable, built at first use."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


def bad(
    message: str,
    remedy: str | None = None,
    at: tuple[str | int, ...] = (),
    part: tuple[int, int] | None = None,
    *,
    hidden: bool = False,
) -> PydanticCustomError:
    """Return a DF123 error to raise from a validator.

    Backquote names, do not repeat the place, and say in `remedy` what to write instead. `at` is a
    path below the validated value, `part` the offsets of the fault in a text. With `hidden` no
    report shows the value: it may be a secret.
    """
    context = {"message": message, "remedy": remedy, "at": at, "part": part, "hidden": hidden}
    return PydanticCustomError("bad_value", "{message}", context)


def wrong_type(expected: str, remedy: str | None = None) -> PydanticCustomError:
    """Return a DF122 error: `expected` completes "needs …", e.g. "a whole number"."""
    return PydanticCustomError("wrong_type", "{expected}", {"expected": expected, "remedy": remedy})


def missing(
    key: str, reason: str | None = None, at: tuple[str | int, ...] = ()
) -> PydanticCustomError:
    """Return a DF121 error for a key that other keys make necessary."""
    return PydanticCustomError(
        "missing_key", "{key}", {"key": key, "reason": reason, "at": (*at, key)}
    )


def is_open(text: str) -> bool:
    """Whether the text holds a reference or an Airflow template, so that its value is not known."""
    return "${" in text or "{{" in text or "{%" in text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise bad("the text is empty", "write something, or delete the key")
    return text


def matching(
    regex: str,
    noun: str,
    remedy: str,
    *,
    may_be_open: bool = False,
    repair: Callable[[str], str] | None = None,
) -> Callable[[str], str]:
    """Return a validator that raises DF123 for a text that does not match `regex` as a whole.

    `repair` turns a wrong text into one that is proposed when it matches.
    """
    compiled = re.compile(regex)

    def check(text: str) -> str:
        if (may_be_open and is_open(text)) or compiled.fullmatch(text):
            return text
        better = repair(text) if repair else ""
        proposal = f"write `{better}`; " if better and compiled.fullmatch(better) else ""
        raise bad(f"`{shorten(text)}` is not {noun}", proposal + remedy)

    return check


def pattern(
    regex: str,
    noun: str,
    remedy: str,
    *,
    may_be_open: bool = False,
    repair: Callable[[str], str] | None = None,
) -> Any:
    """Return the annotation of a text that must match `regex` as a whole, as `matching` says."""
    check = matching(regex, noun, remedy, may_be_open=may_be_open, repair=repair)
    schema: dict[str, JsonValue] = {} if may_be_open else {"pattern": f"^(?:{regex})$"}
    return Annotated[str, AfterValidator(check), Field(json_schema_extra=schema)]


def parsed(
    parse: Callable[[str], Any],
    expected: str,
    example: str,
    repair: Callable[[int], str] | None = None,
) -> BeforeValidator:
    """Return a validator that reads a text into another type; other input types are refused.

    `repair` says how a bare number should have been written.
    """

    def check(value: Any) -> Any:
        if repair and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            raise wrong_type(expected, f"write `{repair(value)}`")
        if not isinstance(value, str):
            raise wrong_type(expected, f"write for example `{example}`")
        if is_open(value):
            raise wrong_type(expected, "a reference or template cannot stand here")
        return parse(value)

    return BeforeValidator(check, json_schema_input_type=str)


def listed(value: Any) -> Any:
    """Turn an only text into the list of it, where a list may be written so."""
    return [value] if isinstance(value, str) else value


_ID = r"[a-z][a-z0-9_]{0,62}"
_ID_HELP = "use a-z, 0-9 and `_`, beginning with a letter, at most 63 characters"


def _as_id(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


Text = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"minLength": 1})]
PipelineId = pattern(_ID, "a pipeline id", _ID_HELP, repair=_as_id)
TaskId = pattern(_ID, "a task id", _ID_HELP, repair=_as_id)
as_task_id = matching(_ID, "a task id", _ID_HELP, repair=_as_id)
"""For the ids themselves, which are keys of a mapping, not a field of a model."""
VarName = pattern(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", "a variable name", "use letters, digits and `_`")
ParamName = pattern(
    r"[A-Za-z_][A-Za-z0-9_]{0,62}", "a parameter name", "use letters, digits and `_`"
)
EnvironmentName = pattern(
    r"[a-z][a-z0-9-]{0,30}", "an environment name", "use a-z, 0-9 and `-`, beginning with a letter"
)
DottedPath = pattern(
    r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*",
    "a dotted Python path",
    "write for example `trainer.textures`",
)
Project = pattern(
    r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]",
    "a Google Cloud project id",
    "6 to 30 of a-z, 0-9 and `-`, beginning with a letter",
    may_be_open=True,
)
Region = pattern(
    r"[a-z]+-[a-z]+[0-9]+", "a region", "write for example `us-central1`", may_be_open=True
)
GsUri = pattern(
    r"gs://[a-z0-9][a-z0-9._-]{1,221}[a-z0-9](?:/.*)?",
    "an address in Cloud Storage",
    "write for example `gs://bucket/folder`, or begin with `${run.dir}/`",
    may_be_open=True,
)
package_uri = matching(
    r"gs://[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]/.+\.(?:tar\.gz|whl)",
    "a Python package in Cloud Storage",
    "write for example `gs://bucket/packages/trainer-0.1.0.tar.gz` (or a `.whl`), or a folder",
    may_be_open=True,
)
Bucket = pattern(
    r"gs://[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]", "a bucket", "write `gs://NAME` without a path"
)
ServiceAccount = pattern(
    r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com",
    "a service account",
    "write for example `trainer@my-project.iam.gserviceaccount.com`",
    may_be_open=True,
)
ComposerName = pattern(
    r"[a-z][a-z0-9-]{0,61}[a-z0-9]",
    "the name of a Composer environment",
    "use a-z, 0-9 and `-`, beginning with a letter",
)
NotificationChannel = pattern(
    r"projects/[^/\s]+/notificationChannels/[^/\s]+",
    "a notification channel",
    "write for example `projects/my-project/notificationChannels/1234`",
    may_be_open=True,
)
FunctionPath = pattern(
    r"(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*",
    "the dotted path of a function",
    "write for example `my_team.alerts.page`",
)
KMS_KEY = "projects/my-project/locations/us/keyRings/ml/cryptoKeys/data"
KmsKey = Annotated[Text, Field(examples=[KMS_KEY])]
LabelText = pattern(
    r"[a-z0-9_-]{0,63}",
    "a label",
    "use at most 63 of a-z, 0-9, `_` and `-`",
    may_be_open=True,
    repair=lambda text: re.sub(r"[^a-z0-9_-]+", "_", text.strip().lower())[:63].strip("_"),
)
TpuTopology = pattern(
    r"[1-9][0-9]*(?:x[1-9][0-9]*){1,2}", "a TPU topology", "write for example `2x2`"
)
AbsolutePath = pattern(r"/.*", "an absolute path", "begin with `/`", may_be_open=True)
FolderName = pattern(
    r"[^/\s]\S*", "a folder below `/mnt/nfs`", "write for example `data`", may_be_open=True
)
PersistentResource = pattern(
    r"[a-z][a-z0-9-]{0,126}[a-z0-9]",
    "the id of a persistent resource",
    "use a-z, 0-9 and `-`, beginning with a letter",
    may_be_open=True,
)
ExperimentName = pattern(
    r"[a-z][a-z0-9-]{2,62}[a-z0-9]",
    "the name of an experiment",
    "use 4 to 64 of a-z, 0-9 and `-`, beginning with a letter",
    may_be_open=True,
)
OwnerLink = pattern(
    r"https?://[^/\s]+(?:/\S*)?|mailto:\S+@\S+",
    "an address to link to",
    "write for example `https://wiki.example.com/ml` or `mailto:ml@example.com`",
)
Tag = Annotated[Text, Field(max_length=100)]
"""Airflow keeps a tag in a column of 100 characters."""

PositiveInt = Annotated[int, Field(ge=1)]


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise bad(f"`{shorten(text)}` is not a duration", str(error)) from None


Duration = Annotated[
    timedelta,
    parsed(_duration, "a duration", "1h30m", lambda count: duration_text(timedelta(seconds=count))),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["90s", "5m", "1h30m", "7d"]}),
]


def _some_time(value: timedelta) -> timedelta:
    if not value:
        raise bad(
            "a duration of nothing has no effect here", "delete the key, or write for example `1h`"
        )
    return value


PositiveDuration = Annotated[Duration, AfterValidator(_some_time)]


_YEARS = (1970, 9000)
"""Years that Airflow can move between time zones and keep."""


def _date(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise bad(f"`{shorten(text)}` is not a date", "write for example `2026-01-05`") from None
    if found.tzinfo:
        raise bad(f"`{text}` has an offset", "leave it out: `timezone:` applies")
    if found.microsecond:
        raise bad(f"`{text}` has fractions of a second", "leave them out")
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        raise bad(f"the year {found.year} is not between {_YEARS[0]} and {_YEARS[1]}")
    return found


Date = Annotated[
    datetime,
    parsed(_date, "a date", "2026-01-05"),
    WithJsonSchema({"type": "string", "examples": ["2026-01-05"]}),
]


def _timezone(text: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        near = closest(text, sorted(available_timezones()))
        remedy = f"did you mean {either(near)}?" if near else "write for example `Europe/Berlin`"
        raise bad(f"`{shorten(text)}` is not a time zone", remedy) from None
    return text


Timezone = Annotated[str, AfterValidator(_timezone)]
