"""Machine shapes of Vertex AI training: how many GPUs of which type a machine type brings.

The data file lists the shapes whose accelerator is fixed by the name; types that are not in it (N1, E2,
C3 …) take a GPU only when the spec attaches one.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Shape:
    """A machine type with its virtual CPUs, memory in GB and built-in accelerators."""

    name: str
    vcpus: int
    memory_gb: int
    gpus: int
    accelerator: str


@cache
def shapes() -> dict[str, Shape]:
    """Return every known shape by its machine type."""
    text = files(__package__).joinpath("machines.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["machine_type"]: _shape(row) for row in rows}


def _shape(row: dict[str, str]) -> Shape:
    """Read one row of the data file."""
    return Shape(
        name=row["machine_type"],
        vcpus=int(row["vcpus"]),
        memory_gb=int(row["memory_gb"]),
        gpus=int(row["gpus"]),
        accelerator=row["accelerator_type"],
    )
