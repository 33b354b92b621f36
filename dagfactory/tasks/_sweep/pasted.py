"""What a search of W&B, pasted into a sweep, has to be written as."""

from __future__ import annotations

from typing import Any

from dagfactory.language.common import bad
from dagfactory.language.wandb import NESTED, UnfitError, parameter

_FOREIGN = frozenset(["distribution", "value", "probabilities", "q", "mu", "sigma", "parameters"])
"""Keys that W&B's hyperparameters have, and ours do not."""


def explained(data: Any) -> Any:
    """Return a sweep as it is; raise a validation error for the first hyperparameter of W&B's kind."""
    spaces = data.get("parameters") if isinstance(data, dict) else None
    for name, space in spaces.items() if isinstance(spaces, dict) else ():
        keys = [each for each in space if each in _FOREIGN] if isinstance(space, dict) else []
        if keys:
            at = ("parameters", name, keys[0])
            raise bad(f"`{keys[0]}` is a key of W&B's sweeps, not of ours", _written(space), at)
    return data


def _written(space: dict[str, Any]) -> str:
    """Return what to write for a hyperparameter of W&B's."""
    if NESTED in space:
        return "write each inner one by itself, as `outer.inner`"
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
