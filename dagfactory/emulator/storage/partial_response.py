"""Partial responses: the `fields` parameter, e.g. items(name,size),nextPageToken."""

import re
from typing import Any

from dagfactory.emulator.errors import ApiError

Tree = dict[str, "Tree"]
_TOKEN = re.compile(r"[^,/()\s]+|[,/()]")


def select(data: Any, fields: str) -> Any:
    """Return the parts of a JSON value that `fields` names; raises INVALID_ARGUMENT."""
    tokens = _TOKEN.findall(fields)
    tree = _parse(tokens)
    if tokens:
        raise ApiError("INVALID_ARGUMENT", f"Invalid field selection {fields}")
    return _pick(data, tree)


def _parse(tokens: list[str]) -> Tree:
    tree: Tree = {}
    while tokens and tokens[0] != ")":
        node = tree
        node = node.setdefault(tokens.pop(0), {})
        while tokens and tokens[0] == "/":
            tokens.pop(0)
            node = node.setdefault(tokens.pop(0), {})
        if tokens and tokens[0] == "(":
            tokens.pop(0)
            node.update(_parse(tokens))
            if tokens:
                tokens.pop(0)
        if tokens and tokens[0] == ",":
            tokens.pop(0)
    return tree


def _pick(data: Any, tree: Tree) -> Any:
    if not tree or "*" in tree:
        return data
    if isinstance(data, list):
        return [_pick(item, tree) for item in data]
    if isinstance(data, dict):
        return {key: _pick(value, tree[key]) for key, value in data.items() if key in tree}
    return data
