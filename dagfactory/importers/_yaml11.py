"""YAML of other tools under the loader's limits: merge keys, and plain scalars as YAML 1.1 reads them.

Airflow tools read their files with PyYAML, for which `no` is false, `010` eight and `2026-01-05` a date.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from dagfactory.document import hidden_characters as characters
from dagfactory.document.load import _Builder
from dagfactory.document.node import Node

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.diagnostics.span import Span

MERGE = "<<"
_TAG = "tag:yaml.org,2002:"
_RESOLVABLE = re.compile(r"[-+.0-9~yYnNtTfFoO]|\Z")


class _Merging(_Builder):
    """The loader, except that merge keys are kept for `merged`, and that tags of plain values are read."""

    def _key(self, frame: Any, event: Any, span: Span) -> None:
        if event.value == MERGE and not event.style:
            event.style = '"'
        super()._key(frame, event, span)

    def _tagged(self, event: Any) -> None:
        """Read `!!float 1e-5`, `!!int "3"` and `!!str 3` as PyYAML does."""
        text = _TAGGED[event.tag](event) if event.tag in _TAGGED else None
        if text is None:
            super()._tagged(event)


def _as_float(event: Any) -> str | None:
    """Make the value of an event a number with a point, as YAML 1.1 writes one."""
    try:
        text = repr(float(event.value))
    except ValueError:
        return None
    # PyYAML reads 1e-05 as text, and 1.0e-05 as a number
    event.value = text if "." in text else text.replace("e", ".0e")
    event.style = None
    return text


def _as_int(event: Any) -> str | None:
    value = yaml11(event.value)
    if type(value) is not int:
        return None
    event.value, event.style = str(value), None
    return str(value)


def _as_text(event: Any) -> str:
    event.style = event.style or '"'
    return str(event.value)


_TAGGED = {f"{_TAG}float": _as_float, f"{_TAG}int": _as_int, f"{_TAG}str": _as_text}


def load(source: SourceFile) -> tuple[Node | None, list[Diagnostic]]:
    """Build the tree of a foreign document; limits and problems are those of `dagfactory.document.load`."""
    problems = characters.forbidden(source)
    if problems:
        return None, problems
    builder = _Merging(source)
    root = builder.run()
    return (merged(root) if root else None), builder.problems


def merged(node: Node) -> Node:
    """Return the tree with merge keys applied: what a mapping says itself wins."""
    if isinstance(node.value, tuple):
        return Node(tuple(map(merged, node.value)), node.span, {})
    if not isinstance(node.value, dict):
        return node
    values: dict[str, Node] = {}
    keys: dict[str, Span] = {}
    for base in map(merged, _bases(node.value.get(MERGE))):
        inherited = base.value if isinstance(base.value, dict) else {}
        values = {**inherited, **values}
        keys = {**base.keys, **keys}
    own = {key: merged(value) for key, value in node.value.items() if key != MERGE}
    places = {key: span for key, span in node.keys.items() if key != MERGE}
    return Node({**values, **own}, node.span, {**keys, **places})


def _bases(node: Node | None) -> list[Node]:
    """Return the mappings of a merge key, in order of precedence."""
    found = node.value if node and isinstance(node.value, tuple) else (node,)
    return [each for each in found if isinstance(each, Node) and isinstance(each.value, dict)]


def yaml11_value(node: Node) -> Any:
    """Return a scalar as PyYAML would: also dates, and numbers and booleans of YAML 1.1."""
    value = node.value
    if node.quoted or isinstance(value, dict | tuple) or (node.raw or "")[:1] in {"|", ">"}:
        return value
    if isinstance(value, str):
        text = value
    elif node.raw is not None:
        text = node.raw
    else:
        text = "" if value is None else str(value)
    return yaml11(text)


def yaml11(text: str) -> Any:
    """Return the value of a plain scalar in YAML 1.1; what cannot be read stays text."""
    if not _RESOLVABLE.match(text):
        return text
    resolver: Any = yaml.resolver.Resolver()
    constructor: Any = yaml.constructor.SafeConstructor()
    tag = resolver.resolve(yaml.ScalarNode, text, (True, False))
    try:
        return constructor.construct_object(yaml.ScalarNode(tag, text))
    except (yaml.YAMLError, ValueError):
        return text
