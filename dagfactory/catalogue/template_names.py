"""The names that Airflow's templates know: variables, macros, and attributes of the objects they meet most.

The data file says of each name which line of Airflow has it and what stands for it on the other. It is
compared with both lines by tests/system/airflow/test_template_names.py.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LINES = ("airflow2", "airflow3")
VARIABLES = "context"
"""What the variables themselves are called in the data file; the others are those of an object."""


@dataclass(frozen=True, slots=True)
class Known:
    """A name: the lines that have it, and what to write on the other (nothing where that is unknown)."""

    lines: frozenset[str]
    instead: str


@cache
def template_names() -> dict[str, dict[str, Known]]:
    """Return every name by what it belongs to."""
    text = files(__package__).joinpath("template_names.csv").read_text(encoding="utf-8")
    made: dict[str, dict[str, Known]] = {}
    for row in csv.DictReader(text.splitlines()):
        lines = frozenset(line for line in LINES if row[line])
        made.setdefault(row["of"], {})[row["name"]] = Known(lines, row["instead"])
    return made


def names_of(owner: str, line: str) -> list[str]:
    """Return the names that a line of Airflow has."""
    return [name for name, known in template_names()[owner].items() if line in known.lines]
