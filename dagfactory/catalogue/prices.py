"""Prices of machines and services, each with its day and source; what is not in the data is unknown."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from dagfactory.catalogue.tables import rows

WAYS = ("standard", "spot", "flex_start")
TRAINING, COMPUTE = "prices.csv", "compute_prices.csv"
"""What a machine costs in custom training, and what Compute Engine takes for it, on GKE for example."""


class Price(NamedTuple):
    """US dollars an hour, the day when they held (empty when it was not recorded), who says so."""

    amount: float
    date: str
    source: str


class ServicePrice(NamedTuple):
    """US dollars a unit of a service, with day and source."""

    amount: float
    unit: str
    date: str
    source: str


def price(machine: str, region: str, provisioning: str, table: str = TRAINING) -> Price | None:
    """Return what an hour of a machine type, or of one attached GPU, costs in a region."""
    return _prices(table).get((machine, region, provisioning))


def service_price(item: str, region: str) -> ServicePrice | None:
    """Return what a unit of a service costs in a region."""
    known = _services()
    return known.get((item, region)) or known.get((item, ""))


def serving_source() -> tuple[str, str]:
    """Return the day and the reason why serving is priced as training is."""
    said = _sources()["serving"]
    return said["date"], said["text"]


def published() -> dict[str, float]:
    """Return the numbers of a published comparison of Cloud Composer with Vertex AI Pipelines."""
    return {row["item"]: float(row["value"]) for row in rows("published_comparison.csv")}


def priced_regions(machine: str) -> list[str]:
    """Return the regions where a price of a machine type is known, in alphabetical order."""
    return sorted({region for name, region, _ in _prices(TRAINING) if name == machine})


@cache
def _prices(table: str) -> dict[tuple[str, str, str], Price]:
    sources = _sources()
    return {
        (row["machine_type"], row["region"], way): Price(
            float(row[way]), said["date"], said["text"]
        )
        for row in rows(table)
        for said in [sources[row["source"]]]
        for way in WAYS
        if row[way]
    }


@cache
def _sources() -> dict[str, dict[str, str]]:
    return {row["source"]: row for row in rows("price_sources.csv")}


@cache
def _services() -> dict[tuple[str, str], ServicePrice]:
    return {
        (row["item"], row["region"]): ServicePrice(
            float(row["usd"]), row["unit"], row["date"], row["source"]
        )
        for row in rows("service_prices.csv")
    }
