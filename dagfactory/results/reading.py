"""Files of trainers as values: bounded, and whatever is wrong with one is a note."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.results.folder import Folder

MOST = 4_000_000
"""Bytes of a JSON file that are read."""
MOST_LINES = 16_000_000
"""Bytes of a file of lines that are read."""
LONGEST = 300
"""Characters of a text that is shown."""
_MOST_NOTES = 100


@dataclass(slots=True)
class Reader:
    """Reads the files of a run; `notes` collects what could not be read and why."""

    folder: Folder
    files: Mapping[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def document(self, path: str) -> Any:
        """Return the JSON of a file, None without a usable one."""
        if path not in self.files:
            return None
        if self.files[path] > MOST:
            self.note(f"{path} is larger than {MOST // 1_000_000} MB and was not read")
            return None
        try:
            return json.loads(self.folder.read(path, MOST))
        except (OSError, DagfactoryError) as error:
            self.note(f"{path} cannot be read: {error}")
        except (ValueError, RecursionError) as error:
            self.note(f"{path} is not JSON: {error or 'nested too deeply'}")
        return None

    def lines(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a file of JSON lines; others are counted and noted."""
        if path not in self.files:
            return
        try:
            content = self.folder.read(path, MOST_LINES)
        except (OSError, DagfactoryError) as error:
            self.note(f"{path} cannot be read: {error}")
            return
        if self.files[path] > MOST_LINES:
            self.note(f"{path}: only its first {MOST_LINES // 1_000_000} MB were read")
            content = content[: content.rfind(b"\n") + 1]
        broken = 0
        for line in content.splitlines():
            row = _object(line)
            broken += row is None and bool(line.strip())
            if row is not None:
                yield row
        if broken:
            self.note(f"{path}: {broken} lines are not JSON objects")

    def note(self, text: str) -> None:
        """Remember what a reader should know."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(shown(text))


def _object(line: bytes) -> Mapping[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def number(value: Any) -> float | None:
    """Return a finite number as such, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def plain(value: Any) -> Any:
    """Return a value as JSON and a reader can take it: finite numbers, texts of some length."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        found = number(value)
        return shown(str(value)) if found is None else value if isinstance(value, int) else found
    return shown(value if isinstance(value, str) else _text(value))


def shown(text: str) -> str:
    """Return a text as it can be shown: cut where it is too long, and without what has no bytes."""
    whole = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__
