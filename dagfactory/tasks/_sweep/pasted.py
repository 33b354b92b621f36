"""What a search of W&B, pasted into a sweep, has to be written as."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dagfactory.diagnostics.span import KeyPath
from dagfactory.language.common import bad
from dagfactory.language.wandb import UnfitError, parameter

_FOREIGN = frozenset(["distribution", "value", "probabilities", "q", "mu", "sigma"])
"""Keys that W&B's hyperparameters have, and ours do not."""


def explained(data: Any) -> Any:
    """Return a sweep as it is; raise a validation error for the first hyperparameter of W&B's kind."""
    for path, space in _spaces(data, ()):
        keys = [each for each in space if each in _FOREIGN]
        if keys:
            at = (*path, keys[0])
            raise bad(f"`{keys[0]}` is a key of W&B's sweeps, not of ours", _written(space), at)
    return data


def _spaces(data: Any, above: KeyPath) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    """Yield the hyperparameters of a sweep or a nested one, each with its place."""
    spaces = data.get("parameters") if isinstance(data, dict) else None
    for name, space in spaces.items() if isinstance(spaces, dict) else ():
        if isinstance(space, dict):
            path = (*above, "parameters", name)
            yield path, space
            yield from _spaces(space, path)


def _written(space: dict[str, Any]) -> str:
    """Return what to write for a hyperparameter of W&B's."""
    try:
        found = parameter(space)
    except UnfitError as error:
        return "; ".join(filter(None, (error.reason, error.remedy)))
    if found.range is not None:
        inner = ", ".join(f"{key}: {value}" for key, value in found.range.items())
        remedy = f"write `{{{inner}}}`"
        return f"{remedy}: {found.doubt or found.form}" if found.doubt or found.form else remedy
    if found.values is not None:
        return "write `values` alone"
    return f"write `values: [{found.constant}]`, or put it under `args`"
