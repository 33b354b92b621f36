"""Layers become one document: defaults, environment, pipeline and its patch; then `${...}`.

Layers are JSON Merge Patches (RFC 7396) on nodes, so every value keeps the place where it was
written. Only `${vars.…}` and `${env.…}` are replaced here; the others, and the escape `$${`, stay
in the text for the plan pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dagfactory.compiler.resolve.groups import unroll
from dagfactory.compiler.resolve.substitute import Lookup, substitute
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Span
from dagfactory.document.node import Node
from dagfactory.document.reference import BadReferenceError, Ref, has_reference, parse


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """What lies upon another to make one pipeline, as trees, the later one on top.

    `environment` is the file of the environment called `name`; None where it has no file, or where
    none is chosen. Not `complete` are layers with variables that could not be read.
    """

    pipeline: Node
    defaults: Node | None = None
    environment: Node | None = None
    name: str | None = None
    complete: bool = True


def merge_patch(base: Node, patch: Node, *, keep_null: bool = False) -> Node:
    """Apply a JSON Merge Patch (RFC 7396); values and keys keep the spans of their layer.

    With `keep_null` a null that has nothing below it to delete stays: for a document over its
    defaults, where `null` may be a value, not only an order to delete.
    """
    if not isinstance(patch.value, dict):
        return patch
    below = base if isinstance(base.value, dict) else Node({}, patch.span, {})
    values, keys = dict(_mapping(below)), dict(below.keys)
    for key, each in patch.value.items():
        if each.value is None and (key in values or not keep_null):
            values.pop(key, None)
            keys.pop(key, None)
            continue
        old = values.get(key)
        onto_mapping = old is not None and isinstance(old.value, dict)
        if isinstance(each.value, dict) and (onto_mapping or not keep_null):
            values[key] = merge_patch(old or Node({}, each.span, {}), each, keep_null=keep_null)
        else:
            values[key] = each
        if not (onto_mapping and isinstance(each.value, dict)):
            keys[key] = patch.keys[key]
    span = below.span if below.value else patch.span
    return replace(below, value=values, keys=keys, span=span)


def resolve(layers: Layers) -> tuple[Node, list[Diagnostic]]:
    """Merge all layers of a pipeline, replace `${vars.…}` and `${env.…}`, write groups out.

    Where a reference cannot be replaced it stays in the text, with a diagnostic.
    """
    merged = _merged(layers)
    variables = merged.find(("vars",))
    lookup = Lookup(variables, layers.environment, layers.name, complete=layers.complete)
    # the patches of other environments may name variables that this one does not define
    body = replace(merged, value={k: v for k, v in _mapping(merged).items() if k not in _RAW})
    resolved = substitute(body, lookup)
    raw = {key: each for key, each in _mapping(merged).items() if key in _RAW}
    replaced = lookup.all_variables()
    if replaced is not None:
        raw["vars"] = replaced
    order = [key for key in _mapping(merged) if key in raw or key in _mapping(resolved)]
    values = {**_mapping(resolved), **raw}
    whole = replace(merged, value={key: values[key] for key in order})
    # after the variables: a group may run over the items of one
    return unroll(whole, lookup), lookup.problems


_RAW = ("vars", "environments")
"""Not substituted with the rest: variables are when used; patches were when applied."""


def _merged(layers: Layers) -> Node:
    pipeline, environment = layers.pipeline, layers.environment
    merged = layers.defaults or Node({}, pipeline.span, {})
    if environment:
        variables, fragment = _part(environment, "vars"), _part(environment, "pipeline")
        if variables:
            keys = {"vars": environment.keys["vars"]}
            merged = merge_patch(merged, Node({"vars": variables}, variables.span, keys))
        if fragment:
            merged = merge_patch(merged, fragment)
    # a null with nothing below it to delete is a value: an argument that is null is left out
    merged = merge_patch(merged, pipeline, keep_null=True)
    # tasks are rendered in the order of the tree, which a reviewer expects to be the spec's
    merged = _in_order(merged, pipeline)
    # last, because a spec knows better than what all specs share
    patch = pipeline.find(("environments", layers.name)) if layers.name else None
    return merge_patch(merged, patch) if patch and isinstance(patch.value, dict) else merged


def _part(environment: Node, key: str) -> Node | None:
    """Return the mapping under a key of an environment's file, or None."""
    found = environment.child(key)
    return found if found and isinstance(found.value, dict) else None


def _in_order(merged: Node, pipeline: Node) -> Node:
    """Put the keys of the pipeline first, in its order, and let the whole stand at its place."""
    values = _mapping(merged)
    first = [key for key in _mapping(pipeline) if key in values]
    own = set(first)
    order = [*first, *(key for key in values if key not in own)]
    keys = {key: merged.keys[key] for key in order}
    return Node({key: values[key] for key in order}, pipeline.span, keys)


def _mapping(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def references(node: Node) -> list[tuple[Ref, Span]]:
    """Return the readable references in a text node with the place of each."""
    if not isinstance(node.value, str) or not has_reference(node.value):
        return []
    try:
        pieces = parse(node.value)
    except BadReferenceError:
        return []
    return [
        (each, node.text_span(each.start, each.end)) for each in pieces if isinstance(each, Ref)
    ]
