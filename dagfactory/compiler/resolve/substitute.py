"""Replacing `${vars.…}` and `${env.…}` in a tree."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.diagnostics.span import Span
from dagfactory.document.node import Node
from dagfactory.document.reference import BadReferenceError, Ref, escape, has_reference, parse
from dagfactory.language.environment import HIDDEN


class Use(NamedTuple):
    """Where a reference stands: a text, and the part of it; its place is worked out when it is shown."""

    node: Node
    start: int | None = None
    end: int | None = None

    @property
    def span(self) -> Span:
        """Return the place in the file."""
        if self.start is None or self.end is None:
            return self.node.span
        return self.node.text_span(self.start, self.end)


@dataclass(slots=True)
class Lookup:
    """What references can see, what was already looked up, and what went wrong.

    Unless it is `complete`, a variable that is not there may be one that could not be read.
    """

    variables: Node | None
    environment: Node | None
    name: str | None
    complete: bool = True
    problems: list[Diagnostic] = field(default_factory=list)
    _done: dict[tuple[str, ...], Node | None] = field(default_factory=dict)
    _active: list[tuple[str, ...]] = field(default_factory=list)
    _characters: int = 0
    _values: int = 0
    _reported: int = 0
    _full: bool = False

    def all_variables(self) -> Node | None:
        """Return the variables with their own references replaced."""
        if self.variables is None or not isinstance(self.variables.value, dict):
            return self.variables
        values = {}
        for name, each in self.variables.value.items():
            values[name] = self._resolved(("vars", name), each, Use(each)) or each
        return replace(self.variables, value=values)

    def look_up(self, ref: Ref, use: Use) -> Node | None:
        """Return the value of a `vars` or `env` reference, or None after reporting why not."""
        root = self._root(ref, use)
        if root is None:
            return None
        head = root.find(ref.path[:1])
        if head is None:
            self._unknown(ref, root, (), use)
            return None
        head = self._resolved((ref.root, ref.path[0]), head, use)
        if head is None:
            return None
        path, found = head.nearest(ref.path[1:])
        if path != ref.path[1:]:
            self._unknown(ref, found, (ref.path[0], *map(str, path)), use)
            return None
        return found

    def _resolved(self, name: tuple[str, ...], node: Node, use: Use) -> Node | None:
        if name in self._active:
            self._circle(name, use)
            return None
        if name not in self._done:
            self._active.append(name)
            # None for a variable with a fault: that is reported where it stands, not at each use
            before = self._reported
            result = substitute(node, self)
            self._done[name] = result if self._reported == before else None
            self._active.pop()
        return self._done[name]

    def added(self, use: Use, *, characters: int = 0, values: int = 0) -> bool:
        """Count what a reference brings in; False once there is more than a file may add up to."""
        if self._full:
            return False
        self._characters += characters
        self._values += values
        for count, limit in (
            (self._characters, limits.EXPANDED_TEXT),
            (self._values, limits.EXPANDED_NODES),
        ):
            if count > limit.most:
                message = f"more than {limit.most:,} {limit.what}"
                self._full = True
                self.report("DF107", message, use, "variables that repeat each other grow fast")
                return False
        return True

    def _root(self, ref: Ref, use: Use) -> Node | None:
        if ref.root == "vars":
            return self.variables or Node({}, use.node.span, {})
        if self.name is None:
            message = f"`{ref}` needs an environment, and none is chosen"
            self.report("DF113", message, use, "choose one with `--env NAME`")
            return None
        return _environment_fields(self.name, self.environment, use.node.span)

    def _circle(self, name: tuple[str, ...], use: Use) -> None:
        chain = [*self._active[self._active.index(name) :], name]
        text = " → ".join(f"`{'.'.join(each)}`" for each in chain)
        self.report("DF114", f"variables in a circle: {text}", use, "give one of them a value")

    def _unknown(self, ref: Ref, root: Node, path: tuple[str, ...], use: Use) -> None:
        if ref.root == "vars" and not self.complete:
            return
        from dagfactory.diagnostics.wording import did_you_mean

        known = root.value if isinstance(root.value, dict) else {}
        code, noun = ("DF111", "variable") if ref.root == "vars" else ("DF112", "environment field")
        wanted = ref.path[len(path)]
        name = ".".join((*path, wanted))
        near = (
            did_you_mean(wanted, known, "defined")
            if self._reported < limits.FINDINGS.most
            else None
        )
        remedy = near or _define(ref, name, self.name)
        self.report(code, f"unknown {noun} `{name}`", use, remedy, self._origin(ref, use))

    def _origin(self, ref: Ref, use: Use) -> tuple[Label, ...]:
        node = self.environment
        if ref.root != "env" or node is None or node.span.file == use.node.span.file:
            return ()
        first = next(iter(node.keys.values()), node.span)
        return (Label(first, "the environment's fields are here"),)

    def report(
        self,
        code: str,
        message: str,
        use: Use,
        remedy: str | None,
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Add a finding; of more than anybody reads only the number is kept."""
        self._reported += 1
        if self._reported <= limits.FINDINGS.most:
            self.problems.append(Diagnostic(code, message, use.span, remedy, labels=labels))
        else:
            self.problems[-1] = replace(self.problems[-1], notes=(_more(self._reported),))


def substitute(node: Node, lookup: Lookup) -> Node:
    """Return the tree with all `vars` and `env` references replaced."""
    value = node.value
    if isinstance(value, dict):
        changed = {key: substitute(each, lookup) for key, each in value.items()}
        # most values hold no reference: their subtrees are kept instead of built a second time
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
        lookup.report("DF115", error.message, Use(node, error.start, error.end), error.remedy)
        return node
    if len(pieces) == 1 and isinstance(pieces[0], Ref):
        return _whole(node, pieces[0], lookup)
    # `parse` undid the escapes; they go back in, for lowering undoes them once in every text
    parts = [
        escape(each) if isinstance(each, str) else _part(node, each, lookup) for each in pieces
    ]
    joined = "".join(parts)
    if not lookup.added(Use(node), characters=len(joined)):
        return node
    return node if joined == text else replace(node, value=joined, quoted=True)


def _whole(node: Node, ref: Ref, lookup: Lookup) -> Node:
    """Return the value of a text that is one reference, with its type, at its place."""
    if not ref.static:
        return node
    use = Use(node, ref.start, ref.end)
    found = lookup.look_up(ref, use)
    if found is None or not lookup.added(use, values=sum(1 for _ in found.walk())):
        return node
    return moved(found, node.span)


def moved(node: Node, span: Span) -> Node:
    """Return a value as seen from where it is used: faults are shown there and at its origin."""
    origin = node.origin or node.span
    value = node.value
    keys = dict.fromkeys(node.keys, span)
    if isinstance(value, dict):
        value = {key: moved(each, span) for key, each in value.items()}
    elif isinstance(value, tuple):
        value = tuple(moved(each, span) for each in value)
    return Node(value, span, keys, quoted=node.quoted, raw=None, origin=origin)


def _part(node: Node, ref: Ref, lookup: Lookup) -> str:
    if not ref.static:
        return str(ref)
    use = Use(node, ref.start, ref.end)
    found = lookup.look_up(ref, use)
    if found is None:
        return str(ref)
    if isinstance(found.value, dict | tuple):
        kind = "a mapping" if isinstance(found.value, dict) else "a list"
        remedy = f"let the whole value be `{ref}`, or refer to one of its items"
        lookup.report("DF116", f"`{ref}` is {kind} and cannot be part of a text", use, remedy)
        return str(ref)
    # as YAML spells them: `true` and `null`, not `True` and `None`
    return found.value if isinstance(found.value, str) else json.dumps(found.value)


def _environment_fields(environment: str, fields: Node | None, span: Span) -> Node:
    """Return what `${env.…}` offers: the fields of the environment's file, and its `name`."""
    known = fields.value if fields and isinstance(fields.value, dict) else {}
    keys = fields.keys if fields else {}
    values = {key: each for key, each in known.items() if key not in HIDDEN}
    name = Node(environment, span, {}, quoted=True)
    return Node({"name": name, **values}, span, {**keys, "name": span})


def _more(said: int) -> str:
    return f"and {said - limits.FINDINGS.most:,} more of this kind"


def _define(ref: Ref, name: str, environment: str | None) -> str:
    if ref.root == "vars":
        return f"define it: `vars: {{{name}: ...}}`"
    return f"add it to the file of environment `{environment or ''}`"
