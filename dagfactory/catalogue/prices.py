"""Prices of custom training, each with its day and source; what is not in the data is unknown."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from dagfactory.catalogue.tables import rows

WAYS = ("standard", "spot", "flex_start")


class Price(NamedTuple):
    """US dollars an hour, the day when they held (empty when it was not recorded), who says so."""

    amount: float
    date: str
    source: str


def price(machine: str, region: str, provisioning: str) -> Price | None:
    """Return what an hour of a machine type, or of one attached GPU, costs in a region."""
    return _prices().get((machine, region, provisioning))


def priced_regions(machine: str) -> list[str]:
    """Return the regions where a price of a machine type is known, in alphabetical order."""
    return sorted({region for name, region, _ in _prices() if name == machine})


@cache
def _prices() -> dict[tuple[str, str, str], Price]:
    sources = {row["source"]: row for row in rows("price_sources.csv")}
    return {
        (row["machine_type"], row["region"], way): Price(
            float(row[way]), said["date"], said["text"]
        )
        for row in rows("prices.csv")
        for said in [sources[row["source"]]]
        for way in WAYS
        if row[way]
    }
