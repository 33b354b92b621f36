"""When a pipeline runs: cron, a preset, an interval, or assets."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dagfactory.language.assets import Assets
from dagfactory.language.common import PositiveDuration, SpecModel, bad, wrong_type
from dagfactory.language.cron import Preset, accepts, checked


def _shape(value: Any) -> Any:
    """Give the short forms (a cron text, a preset) the shape of the model."""
    if isinstance(value, str):
        words = value.startswith("@") and (value in get_args(Preset) or not accepts(value))
        return {"preset": value} if words else {"cron": value}
    if isinstance(value, dict | Schedule):
        return value
    if isinstance(value, list) and any(isinstance(each, str) and accepts(each) for each in value):
        within = "write all values of a field into one text, like `0 3,15 * * mon,thu`"
        raise bad("a schedule is one cron text, not a list", f"{within}, or make two pipelines")
    raise wrong_type("a cron text, a preset, `{every: 6h}` or `{assets: [...]}`")


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
