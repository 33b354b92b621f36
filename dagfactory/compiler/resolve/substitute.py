"""Replacing `${vars.…}` and `${env.…}` in a tree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Span
from dagfactory.document.node import Node
from dagfactory.document.reference import BadReferenceError, Ref, escape, has_reference, parse
from dagfactory.language.environment import HIDDEN


@dataclass(slots=True)
class Lookup:
    """What references can see, what was already looked up, and what went wrong."""

    variables: Node | None
    environment: Node | None
    name: str | None
    problems: list[Diagnostic] = field(default_factory=list)
    _done: dict[tuple[str, ...], Node | None] = field(default_factory=dict)
    _active: dict[tuple[str, ...], Span] = field(default_factory=dict)

    def all_variables(self) -> Node | None:
        """Return the variables with their own references replaced."""
        if self.variables is None or not isinstance(self.variables.value, dict):
            return self.variables
        values = {}
        for name, each in self.variables.value.items():
            values[name] = self._resolved(("vars", name), each, each.span) or each
        return replace(self.variables, value=values)

    def look_up(self, ref: Ref, span: Span) -> Node | None:
        """Return the value of a `vars` or `env` reference, or None after reporting why not."""
        root = self._root(ref, span)
        if root is None:
            return None
        head = root.find(ref.path[:1])
        if head is None:
            self._unknown(ref, root, (), span)
            return None
        head = self._resolved((ref.root, ref.path[0]), head, span)
        if head is None:
            return None
        path, found = head.nearest(ref.path[1:])
        if path != ref.path[1:]:
            self._unknown(ref, found, (ref.path[0], *map(str, path)), span)
            return None
        return found

    def _resolved(self, name: tuple[str, ...], node: Node, span: Span) -> Node | None:
        if name in self._active:
            self._circle(name, span)
            return None
        if name not in self._done:
            with self._entered(name, span):
                before = len(self.problems)
                result = substitute(node, self)
                self._done[name] = result if len(self.problems) == before else None
        return self._done[name]

    @contextmanager
    def _entered(self, name: tuple[str, ...], span: Span) -> Iterator[None]:
        self._active[name] = span
        yield
        del self._active[name]

    def _root(self, ref: Ref, span: Span) -> Node | None:
        if ref.root == "vars":
            return self.variables or Node({}, span, {})
        if self.name is None:
            message = f"`{ref}` needs an environment, and none is chosen"
            self._report("DF113", message, span, "choose one with `--env NAME`")
            return None
        return _environment_fields(self.name, self.environment, span)

    def _circle(self, name: tuple[str, ...], span: Span) -> None:
        names = list(self._active)
        chain = [*names[names.index(name) :], name]
        text = " → ".join(f"`{'.'.join(each)}`" for each in chain)
        self._report("DF114", f"variables in a circle: {text}", span, "give one of them a value")

    def _unknown(self, ref: Ref, root: Node, path: tuple[str, ...], span: Span) -> None:
        from dagfactory.diagnostics.wording import did_you_mean

        known = root.value if isinstance(root.value, dict) else {}
        code, noun = ("DF111", "variable") if ref.root == "vars" else ("DF112", "environment field")
        wanted = ref.path[len(path)]
        name = ".".join((*path, wanted))
        remedy = did_you_mean(wanted, known, "defined") or _define(ref, name, self.name)
        labels = self._origin(ref, span)
        self.problems.append(
            Diagnostic(code, f"unknown {noun} `{name}`", span, remedy, labels=labels)
        )

    def _origin(self, ref: Ref, span: Span) -> tuple[Label, ...]:
        node = self.environment
        if ref.root != "env" or node is None or node.span.file == span.file:
            return ()
        first = next(iter(node.keys.values()), node.span)
        return (Label(first, "the environment's fields are here"),)

    def _report(self, code: str, message: str, span: Span, remedy: str) -> None:
        self.problems.append(Diagnostic(code, message, span, remedy))


def substitute(node: Node, lookup: Lookup) -> Node:
    """Return the tree with all `vars` and `env` references replaced."""
    value = node.value
    if isinstance(value, dict):
        changed = {key: substitute(each, lookup) for key, each in value.items()}
        same = all(changed[key] is each for key, each in value.items())
        return node if same else replace(node, value=changed)
    if isinstance(value, tuple):
        items = tuple(substitute(each, lookup) for each in value)
        same = all(new is old for new, old in zip(items, value, strict=True))
        return node if same else replace(node, value=items)
    if isinstance(value, str) and has_reference(value):
        return _text(node, value, lookup)
    return node


def _text(node: Node, text: str, lookup: Lookup) -> Node:
    try:
        pieces = parse(text)
    except BadReferenceError as error:
        span = node.text_span(error.start, error.end)
        lookup.problems.append(Diagnostic("DF115", error.message, span, error.remedy))
        return node
    if len(pieces) == 1 and isinstance(pieces[0], Ref):
        return _whole(node, pieces[0], lookup)
    parts = [
        escape(each) if isinstance(each, str) else _part(node, each, lookup) for each in pieces
    ]
    joined = "".join(parts)
    return node if joined == text else replace(node, value=joined, quoted=True)


def _whole(node: Node, ref: Ref, lookup: Lookup) -> Node:
    """Return the value of a text that is one reference, with its type, at its place."""
    if not ref.static:
        return node
    found = lookup.look_up(ref, node.text_span(ref.start, ref.end))
    return _moved(found, node.span) if found else node


def _moved(node: Node, span: Span) -> Node:
    """Return a value as seen from where it is used: faults are shown there and at its origin."""
    origin = node.origin or node.span
    value = node.value
    keys = dict.fromkeys(node.keys, span)
    if isinstance(value, dict):
        value = {key: _moved(each, span) for key, each in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_moved(each, span) for each in value)
    return Node(value, span, keys, quoted=node.quoted, raw=None, origin=origin)


def _part(node: Node, ref: Ref, lookup: Lookup) -> str:
    if not ref.static:
        return str(ref)
    span = node.text_span(ref.start, ref.end)
    found = lookup.look_up(ref, span)
    if found is None:
        return str(ref)
    if isinstance(found.value, dict | tuple):
        kind = "a mapping" if isinstance(found.value, dict) else "a list"
        remedy = f"let the whole value be `{ref}`, or refer to one of its items"
        lookup.problems.append(
            Diagnostic("DF116", f"`{ref}` is {kind} and cannot be part of a text", span, remedy)
        )
        return str(ref)
    return found.value if isinstance(found.value, str) else json.dumps(found.value)


def _environment_fields(environment: str, fields: Node | None, span: Span) -> Node:
    """Return what `${env.…}` offers: the fields of the environment's file, and its `name`."""
    known = fields.value if fields and isinstance(fields.value, dict) else {}
    keys = fields.keys if fields else {}
    values = {key: each for key, each in known.items() if key not in HIDDEN}
    name = Node(environment, span, {}, quoted=True)
    return Node({"name": name, **values}, span, {**keys, "name": span})


def _define(ref: Ref, name: str, environment: str | None) -> str:
    if ref.root == "vars":
        return f"define it: `vars: {{{name}: ...}}`"
    return f"add it to the file of environment `{environment or ''}`"
