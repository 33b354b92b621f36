"""The data files of this room: CSV with comments, which name source and day."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from importlib.resources import files

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a data file by the names of its columns."""
    lines = [line for line in _text(name).splitlines() if not line.startswith("#")]
    yield from csv.DictReader(lines)


def read_on(name: str) -> str:
    """Return the day when the source of a data file was read: the first one in its comments."""
    found = _DAY.search(_text(name))
    return found[0] if found else ""


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
