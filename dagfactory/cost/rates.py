"""Rates: those of the environment first, then those of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import shapes
from dagfactory.catalogue.prices import TRAINING, price, service_price, serving_source
from dagfactory.cost.terms import Part, Rate

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.job import Accelerator, Disk
    from dagfactory.language.money import Prices

_UNITS: dict[str, str] = {
    "pipeline_run": "run",
    "disk_pd_ssd": "GB-hour",
    "bigquery_query": "TiB",
    "storage": "GB-month",
    "composer3_dcu": "DCU-hour",
    "composer_database": "GiB-hour",
}


class UnknownPriceError(Exception):
    """A machine or GPU, in a region and bought in a way, of which no price is known."""

    def __init__(self, name: str, region: str, way: str) -> None:
        super().__init__(f"no price is known of `{name}` in `{region}`, {way}")
        self.name, self.region, self.way = name, region, way


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates that hold in an environment; `table` is the catalogue's list of machines."""

    own: Prices | None = None
    table: str = TRAINING

    def machine(self, name: str, region: str, way: str) -> Rate:
        """Return what an hour of a machine type, or of a GPU, costs; raises UnknownPriceError."""
        found = self._own_machine(name, region, way) or self._listed(name, region, way)
        if found:
            return found
        # reserved machines are paid as those that are bought at once, with Vertex AI's fee as well
        if way == "reservation":
            return self.machine(name, region, "standard")
        raise UnknownPriceError(name, region, way)

    def service(self, item: str, region: str) -> Rate | None:
        """Return what a unit of a service costs, or None where no row says it."""
        for each in self.own.services if self.own else ():
            if each.item == item and each.region in (None, region):
                return Rate(each.usd, _UNITS[item], f"{each.date:%Y-%m-%d}", each.source)
        found = service_price(item, region)
        return Rate(found.amount, found.unit, found.date, found.source) if found else None

    def _own_machine(self, name: str, region: str, way: str) -> Rate | None:
        # a price of one's own is one of Vertex AI's: without its fee only the lists say what is paid
        for each in self.own.machines if self.own and self.table == TRAINING else ():
            usd = getattr(each, way)
            if (each.type, each.region) == (name, region) and usd is not None:
                return Rate(usd, "hour", f"{each.date:%Y-%m-%d}", each.source)
        return None

    def _listed(self, name: str, region: str, way: str) -> Rate | None:
        found = price(name, region, way, self.table)
        return Rate(found.amount, "hour", found.date, found.source) if found else None


def rates_of(environment: EnvironmentFile | None) -> Rates:
    """Return the rates of an environment."""
    return Rates(environment.prices if environment else None)


def machine_parts(
    rates: Rates, machine: str, accelerator: Accelerator | None, region: str, way: str
) -> tuple[Part, ...]:
    """Return a machine and the GPUs that it does not have by itself; raises UnknownPriceError."""
    parts = [Part(machine, 1, rates.machine(machine, region, way))]
    built_in = shapes().get(machine)
    if accelerator and not (built_in and built_in.gpus):
        gpu = rates.machine(accelerator.type, region, way)
        parts.append(Part(accelerator.type, accelerator.count, gpu))
    return tuple(parts)


def disk_parts(rates: Rates, disk: Disk, region: str) -> tuple[Part, ...]:
    """Return the boot disk of a machine; nothing where no row says what it costs."""
    rate = rates.service("disk_pd_ssd", region) if disk.type == "pd-ssd" else None
    return (Part("disk", disk.size_gb, rate),) if rate else ()


def serving_parts(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Return machines of training as those that predict, with the reason in their source."""
    date, reason = serving_source()
    return tuple(
        Part(each.name, each.count, _also(each.rate, f"{date}, {reason}")) for each in parts
    )


def _also(rate: Rate, reason: str) -> Rate:
    return Rate(rate.usd, rate.unit, rate.date, f"{rate.source}; {reason}")
