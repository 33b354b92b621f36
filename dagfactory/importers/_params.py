"""Params of a DAG: plain values get the type they have, `Param` objects keep their schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dagfactory.importers._remarks import NotDataError
from dagfactory.importers._values import data, typed_object
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.importers._values import ImportContext

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
_PARAMS = frozenset(
    {
        "airflow.models.Param",
        "airflow.models.param.Param",
        "airflow.sdk.Param",
        "airflow.sdk.definitions.param.Param",
    }
)
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
_KEPT = ("minimum", "maximum", "enum", "pattern", "title", "description")


def params(node: Node, context: ImportContext) -> dict[str, Any]:
    """Return `params:`; nothing when there are none."""
    if not isinstance(node.value, dict):
        context.add("no-equivalent", "`params` that is not a mapping was left out", node.span)
        return {}
    made: dict[str, Any] = {}
    for name, each in node.value.items():
        if not _NAME.fullmatch(name):
            context.add("no-equivalent", f"param `{name}` was left out: its name", node.keys[name])
            continue
        try:
            made[name] = _param(each, context)
        except NotDataError as error:
            message = f"param `{name}` was left out: {error.reason}"
            context.add(error.code, message, error.span)
    return {"params": made} if made else {}


def _param(node: Node, context: ImportContext) -> dict[str, Any]:
    described = typed_object(node)
    if described is None or described.path not in _PARAMS:
        # Airflow takes any value for one that has no schema
        return {"type": "any", "default": data(node, context)}
    given = dict(zip(("default", "description"), described.positional, strict=False))
    given |= described.keywords
    value = data(given.pop("default"), context) if "default" in given else None
    kind, null = _kind(given.pop("type", None), value)
    # Airflow refuses a run without it; a param of a spec needs a default, and null is the nearest.
    if not null and value is None:
        context.add("changed", "a param that must be given may now be null", node.span)
    made = {"type": kind, "default": value}
    for key, each in given.items():
        if key == "enum":
            # null is allowed where it is the default, and only there
            made[key] = [value for value in data(each, context) if value is not None]
        elif key in _KEPT:
            made[key] = data(each, context)
        else:
            context.add("no-equivalent", f"`{key}` of a param was left out", each.span)
    return made


def _kind(node: Node | None, value: Any) -> tuple[str, bool]:
    """Return the type of a param, and whether null is allowed."""
    if node is None:
        return _type_of(value), True
    listed = node.value if isinstance(node.value, tuple) else (node,)
    names = [str(yaml11_value(each) or "null") for each in listed]
    return next((each for each in names if each != "null"), "string"), "null" in names


def _type_of(value: Any) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "string")
