"""Numbers of a search as other tools write them: as text, with an end, a step and a scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dagfactory.importers._write import CommentedMap
from dagfactory.language.wandb import MOST_VALUES, UnfitError, number

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.importers._search import Search


def numeric(search: Search, path: KeyPath, *, whole: bool) -> int | float | None:
    """Return a number of the source, also one in quotes; None, with a remark, for anything else."""
    try:
        found = number(str(path[-1]), search.value(path))
    except UnfitError as error:
        search.broken(path, error.reason, error.remedy)
        return None
    if not whole:
        return float(found)
    if not float(found).is_integer():
        search.broken(path, "it is not a whole number")
        return None
    return int(found)


def span(
    search: Search, path: KeyPath, keys: tuple[str, str], *, whole: bool, log: bool
) -> dict[str, Any] | None:
    """Return the range between two keys; None, with a remark, where it is none."""
    low, high = (numeric(search, (*path, key), whole=whole) for key in keys)
    if low is None or high is None:
        return None
    if low > high:
        search.broken((*path, keys[0]), "the range ends before it begins", "swap the ends")
        return None
    if low == high:
        return {"values": [low]}
    if log and low <= 0:
        search.broken((*path, keys[0]), "a logarithmic range begins above 0")
        return None
    return {"min": low, "max": high} | ({"scale": "log"} if log else {})


def counted(
    search: Search, path: KeyPath, made: dict[str, Any], step: float
) -> CommentedMap | None:
    """Return the values of a range for a grid, both ends included; None, with a remark, for too many."""
    if "values" in made:
        return CommentedMap(made)
    low = made["min"]
    # a float, for it may be too large for anything else
    count = (made["max"] - low) / step + 1e-9 + 1
    if count > MOST_VALUES:
        search.refuse(
            path, f"a grid of {count:,.0f} values is not written out", "use a random search"
        )
        return None
    # 0.1 + 2 * 0.1 is a little above 0.3
    listed = [low + place * step for place in range(int(count))]
    exact = [float(f"{each:.12g}") if isinstance(each, float) else each for each in listed]
    return CommentedMap(values=exact)


def whole_grid(
    search: Search, method: str, made: CommentedMap, most: KeyPath, instead: str
) -> None:
    """Refuse a grid that the key `most` cuts off; `instead` is what the tool calls a random search."""
    if method != "grid" or search.root.find(most) is None:
        return
    size = math.prod(len(each["values"]) for each in made.values())
    cap = numeric(search, most, whole=True)
    if cap is not None and cap < size:
        message = f"the grid has {size:,} trials, and a grid here is whole"
        search.refuse(most, message, f"delete it, or use `{instead}`")
