"""What a task is run over, `for_each`: a list, or one reference to a list that only a run knows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.document.reference import BadReferenceError, Ref, parse
from dagfactory.language.common import bad, wrong_type

_REMEDY = "write `[a, b]`, `${vars.NAME}`, `${params.NAME}` or `${tasks.ID.OUTPUT}`"
_LATE = ("params", "tasks")


def reference(value: Any) -> Ref | None:
    """Return the reference to a list that a text consists of, or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        pieces = parse(value)
    except BadReferenceError:
        return None
    only = pieces[0] if len(pieces) == 1 else None
    return only if isinstance(only, Ref) and only.root in _LATE else None


def missing_key(item: Any, keys: tuple[str, ...]) -> tuple[str, str | None] | None:
    """Say which key an item lacks, with a remedy, or return None when it has them all."""
    for key in keys:
        if not isinstance(item, dict):
            return f"has no keys, so none that is called `{key}`", "write `${each}` alone"
        if key not in item:
            return f"has no key `{key}`", did_you_mean(key, map(str, item), "its keys")
        item = item[key]
    return None


def _items(value: Any) -> Any:
    if isinstance(value, list) and not value:
        raise bad("the list is empty, so the task would never run", "give it items, or delete it")
    if isinstance(value, list) or reference(value):
        return value
    raise wrong_type("a list, or one reference to a list", _REMEDY)


ForEach = Annotated[
    list[Any] | str,
    BeforeValidator(_items, json_schema_input_type=Annotated[list[Any], Field(min_length=1)]),
]
