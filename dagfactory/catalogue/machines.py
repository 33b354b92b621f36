"""Machine types of Vertex AI's custom training: their accelerators, where they are, how they are bought.

Serving, Kubernetes and Dataflow have other machines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from dagfactory.catalogue.tables import read_on, rows

MACHINES, REGIONS = "training_machines.csv", "training_regions.csv"
WAYS = ("standard", "spot", "reservation")
FLEX_START = "flex_start"


@dataclass(frozen=True, slots=True)
class Shape:
    """A machine type with the accelerators it has, or can be given: names with the counts allowed."""

    name: str
    gpus: int = 0
    accelerator: str = ""
    attachable: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    tpu: str = ""
    only: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """Return the family: n1 of n1-standard-8."""
        return self.name.partition("-")[0]

    @property
    def words(self) -> str:
        """Return the accelerators that it has: 1 x A100 40 GB."""
        if self.gpus:
            return in_words(self.accelerator, self.gpus)
        return accelerators()[self.tpu].words if self.tpu in accelerators() else self.tpu

    def ways(self, accelerator: str = "") -> tuple[str, ...]:
        """Return how it can be bought, together with an attached accelerator."""
        known = accelerators().get(self.accelerator or accelerator)
        return self.only or (*WAYS, *([FLEX_START] if known and known.flex_start else []))


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A GPU or TPU in words, whether flex-start serves it, and the day when it ended."""

    words: str
    flex_start: bool
    ended: str


@cache
def shapes() -> dict[str, Shape]:
    """Return every machine type of custom training by its name."""
    return {row["machine_type"]: _shape(row) for row in rows(MACHINES)}


def _shape(row: dict[str, str]) -> Shape:
    accelerator, _, count = row["built_in"].partition(":")
    return Shape(
        name=row["machine_type"],
        gpus=int(count or 0),
        accelerator=accelerator,
        attachable=dict(map(_counts, row["attachable"].split())),
        tpu=row["tpu"],
        only=tuple(row["provisioning"].split()),
    )


def _counts(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, counts = text.partition(":")
    return name, tuple(map(int, counts.split("/")))


@cache
def accelerators() -> dict[str, Accelerator]:
    """Return what is known of each accelerator by its name in Vertex AI."""
    return {
        row["accelerator"]: Accelerator(row["words"], bool(row["flex_start"]), row["ended"])
        for row in rows("accelerators.csv")
    }


@cache
def regions() -> dict[str, frozenset[str]]:
    """Return the accelerators that each region offers for training."""
    return {row["region"]: frozenset(row["accelerators"].split()) for row in rows(REGIONS)}


def offering(accelerator: str) -> list[str]:
    """Return the regions that offer an accelerator for training, in alphabetical order."""
    return sorted(region for region, offered in regions().items() if accelerator in offered)


def in_words(accelerator: str, count: int) -> str:
    """Return a number of accelerators: 2 x T4."""
    known = accelerators().get(accelerator)
    return f"{count} x {known.words if known else accelerator}"


def listed_on() -> str:
    """Return the day of the lists."""
    return read_on(MACHINES)
