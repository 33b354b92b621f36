"""What Google's lists say of machines, accelerators and regions: the data files of `dagfactory/catalogue`.

Read as files, not through that room's code: a second reader of the same rows, so that a test which
compares this room with `dagfactory check` compares two programs.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

FOLDER = "dagfactory.catalogue"
Counts = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class MachineType:
    """A machine type: accelerators it has (`required`) or may be given, its TPU, the ways it is sold."""

    required: bool
    counts: Counts
    tpu: str
    ways: tuple[str, ...]


@cache
def machine_types() -> dict[str, MachineType]:
    """Return every machine type of custom training by its name."""
    return {row["machine_type"]: _machine_type(row) for row in _rows("training_machines")}


@cache
def families() -> frozenset[str]:
    """Return the families of which the list holds every size: n1 of n1-standard-8."""
    return frozenset(name.partition("-")[0] for name in machine_types())


@cache
def flexible() -> frozenset[str]:
    """Return the accelerators that flex-start serves."""
    return frozenset(row["accelerator"] for row in _rows("accelerators") if row["flex_start"])


@cache
def ended() -> dict[str, str]:
    """Return the accelerators that are no longer supported, with the day of their end."""
    return {row["accelerator"]: row["ended"] for row in _rows("accelerators") if row["ended"]}


@cache
def offered() -> dict[str, frozenset[str]]:
    """Return the accelerators that each region offers for training."""
    rows = _rows("training_regions")
    return {row["region"]: frozenset(row["accelerators"].split()) for row in rows}


def is_elsewhere(accelerator: str, region: str) -> bool:
    """Say whether other regions offer an accelerator and this one, which is listed, does not."""
    somewhere = any(accelerator in every for every in offered().values())
    return somewhere and region in offered() and accelerator not in offered()[region]


def _machine_type(row: Mapping[str, str]) -> MachineType:
    built_in, attachable = row["built_in"], row["attachable"].split()
    counts = dict(map(_counts, [built_in] if built_in else attachable))
    return MachineType(bool(built_in), counts, row["tpu"], tuple(row["provisioning"].split()))


def _counts(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, counts = text.partition(":")
    return name, tuple(map(int, counts.split("/")))


def _rows(name: str) -> list[dict[str, str]]:
    text = files(FOLDER).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
