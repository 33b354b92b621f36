"""What a pipeline may cost, and a user's own prices."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dagfactory.diagnostics.wording import shorten
from dagfactory.language.common import Date, PositiveInt, Region, SpecModel, Text, bad, wrong_type

_DOLLARS = re.compile(r"(\d{1,12}(?:\.\d{1,9})?) ?USD")
_EXPECTED = "US dollars"


def _dollars(value: Any) -> Any:
    """Read `900` and `900 USD`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        raise wrong_type(_EXPECTED, "write for example `900` or `900 USD`")
    found = _DOLLARS.fullmatch(value.strip())
    if not found:
        raise bad(f"`{shorten(value)}` is not an amount of US dollars", "write `900` or `900 USD`")
    return float(found[1])


Dollars = Annotated[
    float,
    BeforeValidator(_dollars, json_schema_input_type=float | str),
    Field(gt=0, le=1e12, allow_inf_nan=False),
]


class Budget(SpecModel):
    """The most that a pipeline may cost."""

    run: Dollars | None = Field(None, description="US dollars a run", examples=[900])
    month: Dollars | None = Field(None, description="US dollars a month", examples=[4000])

    @model_validator(mode="after")
    def _something(self) -> Budget:
        if self.run is None and self.month is None:
            raise bad("a budget is for a `run` or a `month`", "write for example `run: 900`")
        return self


class MachinePrice(SpecModel):
    """What an hour of a machine type, or of one attached GPU, costs."""

    type: Text = Field(description="machine type, or type of a GPU", examples=["n2-standard-8"])
    region: Region = Field(description="region", examples=["us-central1"])
    standard: Dollars | None = Field(None, description="US dollars an hour, bought at once")
    spot: Dollars | None = Field(None, description="US dollars an hour of Spot")
    flex_start: Dollars | None = Field(None, description="US dollars an hour of flex-start")
    reservation: Dollars | None = Field(None, description="US dollars an hour of a reservation")
    date: Date = Field(description="day when the price held", examples=["2026-11-01"])
    source: Text = Field(description="where it is written", examples=["our contract"])


ServiceItem = Literal[
    "pipeline_run",
    "disk_pd_ssd",
    "bigquery_query",
    "storage",
    "composer3_dcu",
    "composer_database",
]


class ServicePrice(SpecModel):
    """What a unit of a service costs."""

    item: ServiceItem = Field(description="what is paid", examples=["storage"])
    usd: Dollars = Field(description="US dollars a unit", examples=[0.019])
    region: Region | None = Field(None, description="region; everywhere if absent")
    date: Date = Field(description="day when the price held", examples=["2026-11-01"])
    source: Text = Field(description="where it is written", examples=["our contract"])


class ComposerCost(SpecModel):
    """What Cloud Composer costs here, from its bill: a month, or what is used of it."""

    month: Dollars | None = Field(None, description="US dollars a month", examples=[440])
    dcu: float | None = Field(
        None, gt=0, description="data compute units in use, the mean of a month", examples=[6.5]
    )
    database_gib: float | None = Field(None, gt=0, description="size of the database in GiB")
    pipelines: PositiveInt = Field(
        default=1, description="pipelines that share it, each with an equal part"
    )
    date: Date = Field(description="day of the bill", examples=["2026-11-01"])
    source: Text = Field(description="where it is written", examples=["bill of October"])

    @model_validator(mode="after")
    def _one(self) -> ComposerCost:
        if (self.month is None) == (self.dcu is None):
            remedy = "write `month: 440`, say" if self.month is None else "keep one of them"
            raise bad("what Composer costs is a `month`, or the `dcu` in use", remedy)
        if self.month is not None and self.database_gib is not None:
            raise bad("`month` holds the database already", "delete it", ("database_gib",))
        return self


class Prices(SpecModel):
    """Prices that come before dagfactory's own, and what Cloud Composer costs here."""

    machines: list[MachinePrice] = Field([], description="machines and GPUs")
    services: list[ServicePrice] = Field([], description="services")
    composer: ComposerCost | None = Field(None, description="Cloud Composer, from its bill")
