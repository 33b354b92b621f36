"""Names of tasks replaced in a tree: ids, what names them, and references to their outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.document.node import Node
from dagfactory.document.reference import BadReferenceError, Ref, escape, has_reference, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagfactory.diagnostics.span import Span

_NAMING = ("after", "then", "else", "teardown")


def pieces(node: Node) -> tuple[str | Ref, ...]:
    """Return the literal pieces and references of a text; none of anything else, or unreadable."""
    if not isinstance(node.value, str) or not has_reference(node.value):
        return ()
    try:
        return parse(node.value)
    except BadReferenceError:
        return ()


def with_text(node: Node, value: str) -> Node:
    """Return a text with another value, whose parts are still looked for where it was written."""
    return replace(node, value=value, quoted=True, raw=node.raw or str(node.value))


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a list or mapping with each value changed."""
    value = node.value
    if isinstance(value, dict):
        return replace(node, value={key: change(each) for key, each in value.items()})
    if isinstance(value, tuple):
        return replace(node, value=tuple(map(change, value)))
    return node


def ids(tasks: Node) -> Iterator[str]:
    """Yield the ids of all tasks in a mapping, those in groups included."""
    for key, task in tasks.value.items() if isinstance(tasks.value, dict) else ():
        yield key
        inner = task.child("tasks")
        if inner:
            yield from ids(inner)


@dataclass(frozen=True, slots=True)
class Renaming:
    """One new name for each old one: what the tasks of one item call each other."""

    names: Mapping[str, str]

    def tasks(self, node: Node) -> Node:
        """Rename the tasks in a mapping, and everything in them that names one."""
        if not isinstance(node.value, dict):
            return node
        new = {key: self.names.get(key, key) for key in node.value}
        values = {new[key]: self.task(each) for key, each in node.value.items()}
        return replace(node, value=values, keys={new[key]: node.keys[key] for key in new})

    def task(self, node: Node) -> Node:
        """Rename what a task names."""
        return fields(node, self.tasks, self._naming, self._text)

    def _naming(self, node: Node) -> Node:
        if isinstance(node.value, str) and node.value in self.names:
            return with_text(node, self.names[node.value])
        return mapped(node, self._naming)

    def _text(self, node: Node) -> Node:
        found = pieces(node)
        if not any(_names(each, self.names) for each in found):
            return mapped(node, self._text)
        return with_text(node, "".join(map(self._piece, found)))

    def _piece(self, piece: str | Ref) -> str:
        if isinstance(piece, str):
            return escape(piece)
        known = _names(piece, self.names)
        return _reference(piece, self.names[piece.path[0]]) if known else str(piece)


@dataclass(frozen=True, slots=True)
class Collecting:
    """All new names for each old one: what tasks outside of a group call those of all items.

    `places` says where the items of each stand, for what it brings into a text elsewhere.
    """

    names: Mapping[str, tuple[str, ...]]
    places: Mapping[str, Span]
    problems: list[Diagnostic]

    def tasks(self, node: Node) -> Node:
        """Replace what the tasks in a mapping name by all that it stands for."""
        return mapped(node, self.task)

    def task(self, node: Node) -> Node:
        """Replace what a task names."""
        return fields(node, self.tasks, self._naming, self._text)

    def _naming(self, node: Node) -> Node:
        if isinstance(node.value, str) and node.value in self.names:
            return replace(node, value=tuple(with_text(node, n) for n in self.names[node.value]))
        return self._flat(mapped(node, self._naming), node)

    def _text(self, node: Node) -> Node:
        found = pieces(node)
        known = [each for each in found if isinstance(each, Ref) and _names(each, self.names)]
        if not known:
            return self._flat(mapped(node, self._text), node)
        if len(found) > 1:
            self._in_a_text(node, known[0])
            return node
        return self._list(node, known[0])

    def _list(self, node: Node, ref: Ref) -> Node:
        origin = self.places[ref.path[0]]
        every = [_reference(ref, name) for name in self.names[ref.path[0]]]
        made = tuple(replace(with_text(node, text), origin=origin) for text in every)
        return replace(node, value=made, origin=origin)

    def _flat(self, made: Node, node: Node) -> Node:
        """Put what a text in a list stands for into that list."""
        if not isinstance(made.value, tuple) or not isinstance(node.value, tuple):
            return made
        items: list[Node] = []
        for new, old in zip(made.value, node.value, strict=True):
            grown = isinstance(new.value, tuple) and not isinstance(old.value, tuple)
            items += new.value if grown and isinstance(new.value, tuple) else (new,)
        return replace(made, value=tuple(items))

    def _in_a_text(self, node: Node, ref: Ref) -> None:
        names = self.names[ref.path[0]]
        one = _reference(ref, names[0])
        message = f"`{ref}` is a list of {len(names)} values and cannot be part of a text"
        help_ = f"let the whole value be `{ref}`, or name one: `{one}`"
        labels = (Label(self.places[ref.path[0]], "one value for each of these"),)
        span = node.text_span(ref.start, ref.end)
        self.problems.append(Diagnostic("DF367", message, span, help_, labels=labels))


def fields(
    node: Node,
    tasks: Callable[[Node], Node],
    naming: Callable[[Node], Node],
    text: Callable[[Node], Node],
) -> Node:
    """Return a task with its fields changed: tasks inside, names of tasks, and all others."""
    if not isinstance(node.value, dict):
        return node
    ways = {"tasks": tasks if is_group(node) else text} | dict.fromkeys(_NAMING, naming)
    made = {key: ways.get(key, text)(each) for key, each in node.value.items()}
    return replace(node, value=made)


def is_group(node: Node) -> bool:
    """Whether a task is a group."""
    kind = node.child("type")
    return kind is not None and kind.value == "group"


def _names(piece: str | Ref, names: Mapping[str, object]) -> bool:
    return isinstance(piece, Ref) and piece.root == "tasks" and piece.path[0] in names


def _reference(ref: Ref, name: str) -> str:
    return "${" + ".".join(("tasks", name, *ref.path[1:])) + "}"
