"""dag-factory's layers: `defaults.yml` files, the `default:` block, the DAG itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.document.node import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagfactory.diagnostics.span import Span

_DEFAULT_ARGS = "default_args"


def deep_merge(own: Node, default: Node) -> Node:
    """Return `own` with what only `default` says added; mappings are merged at every depth."""
    if not (isinstance(own.value, dict) and isinstance(default.value, dict)):
        return own
    values, keys = dict(own.value), dict(own.keys)
    for key, each in default.value.items():
        if key in values:
            values[key] = deep_merge(values[key], each)
        else:
            values[key], keys[key] = each, default.keys[key]
    return Node(values, own.span, keys)


def with_defaults(dag: Node, default: Node | None, files: Sequence[Node]) -> Node:
    """Return a DAG with its defaults; `files` are the roots of `defaults.yml`, the strongest last.

    `default_args` of the files are weaker than those of `default:`, key by key; of the other keys of the
    files the DAG's own replace them as a whole, and those of `default:` are merged in below.
    """
    block = default if default and isinstance(default.value, dict) else _empty(dag.span)
    outer = _empty(dag.span)
    arguments = _empty(dag.span)
    for file in files:
        outer = _over(_without(_with_tags(file, outer)), outer)
        arguments = _over(file.child(_DEFAULT_ARGS), arguments)
    arguments = _over(block.child(_DEFAULT_ARGS), arguments)
    if arguments.value:
        block = _over(_single(_DEFAULT_ARGS, arguments), block)
    return deep_merge(_over(dag, outer), block)


def _empty(span: Span) -> Node:
    return Node({}, span, {})


def _single(key: str, node: Node) -> Node:
    return Node({key: node}, node.span, {key: node.span})


def _over(upper: Node | None, lower: Node) -> Node:
    """Return `lower` with each key of `upper` replacing its own."""
    if upper is None or not isinstance(upper.value, dict) or not isinstance(lower.value, dict):
        return lower
    return Node({**lower.value, **upper.value}, upper.span, {**lower.keys, **upper.keys})


def _with_tags(file: Node, outer: Node) -> Node:
    """Return a file of defaults with the tags of the weaker ones added: only tags add up."""
    own, below = file.child("tags"), outer.child("tags")
    if not (own and below and isinstance(own.value, tuple) and isinstance(below.value, tuple)):
        return file
    seen = {str(each.value): each for each in (*below.value, *own.value)}
    return _over(
        _single("tags", Node(tuple(seen[key] for key in sorted(seen)), own.span, {})), file
    )


def _without(file: Node) -> Node:
    """Return a file of defaults without its `default_args`."""
    if not isinstance(file.value, dict):
        return file
    values = {key: each for key, each in file.value.items() if key != _DEFAULT_ARGS}
    return Node(values, file.span, file.keys)
