"""Two trees of plain values compared, key by key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT: Final = object()
"""The value of a key that is not there."""


@dataclass(frozen=True, slots=True)
class Field:
    """A key whose value differs, by its path; one side may be ABSENT."""

    path: tuple[str, ...]
    old: Any = ABSENT
    new: Any = ABSENT

    @property
    def sign(self) -> str:
        """Return `+` for a key that is new, `-` for one that is gone, `~` for another value."""
        if self.old is ABSENT:
            return "+"
        return "-" if self.new is ABSENT else "~"

    def data(self) -> dict[str, Any]:
        """Return the field as JSON has it, an absent side left out."""
        sides = {"old": self.old, "new": self.new}
        given = {name: value for name, value in sides.items() if value is not ABSENT}
        return {"path": list(self.path), **given}


def fields(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Field]:
    """Yield what differs; a list is one value, and so is a mapping that only one side has."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from fields(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif not same(old, new):
        yield Field(path, old, new)


def same(old: Any, new: Any) -> bool:
    """Whether two values are one value in JSON: `1`, `1.0` and `true` are three."""
    if old is ABSENT or new is ABSENT:
        return old is new
    return json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)
