"""When a pipeline runs: cron, a preset, an interval, or assets."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.language.assets import Assets
from dagfactory.language.common import PositiveDuration, SpecModel, bad, wrong_type
from dagfactory.language.cron import FIELDS, Preset, accepts, checked


def _shape(value: Any) -> Any:
    """Give the short forms (a cron text, a preset) the shape of the model."""
    if isinstance(value, str):
        words = value.startswith("@") and (value in get_args(Preset) or not accepts(value))
        return {"preset": value} if words else {"cron": value}
    if isinstance(value, dict | Schedule):
        return value
    if isinstance(value, list) and any(map(_is_time, value)):
        raise bad("a schedule is one cron text, not a list", _one_for_all(value))
    raise wrong_type("a cron text, a preset, `{every: 6h}` or `{assets: [...]}`")


def _is_time(value: Any) -> bool:
    """Whether a text is a cron text or a preset, or seems to be one that is wrong."""
    if not isinstance(value, str):
        return False
    return value.startswith("@") or accepts(value) or len(value.split()) >= FIELDS


def _one_for_all(values: list[Any]) -> str:
    """Say how several times are written: as one text where only one field differs, else apart."""
    texts = [each.split() for each in values if isinstance(each, str)]
    fields = [list(dict.fromkeys(each)) for each in zip(*texts, strict=False)]
    alike = len(texts) == len(values) and all(len(each) == FIELDS for each in texts)
    if alike and sum(len(each) > 1 for each in fields) <= 1:
        together = " ".join(",".join(each) for each in fields)
        if accepts(together):
            return f'write `"{together}"`'
    within = "write all values of a field into one text, like `0 3,15 * * mon,thu`"
    return f"{within}, or make two pipelines"


class Schedule(SpecModel):
    """One way to say when a pipeline runs, or a cron text and assets together."""

    cron: Annotated[str, AfterValidator(checked)] | None = Field(
        None, description="minute, hour, day, month and weekday, as Airflow reads them"
    )
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
