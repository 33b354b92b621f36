"""Groups with `for_each`: written out once for each item, so that all later passes see plain groups.

Inside, a name means the task of the same item; outside, it stands for those of all items.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dagfactory.compiler.resolve.names import (
    Collecting,
    Renaming,
    ids,
    is_group,
    mapped,
    pieces,
    with_text,
)
from dagfactory.compiler.resolve.substitute import Lookup, Use, moved
from dagfactory.diagnostics.diagnostic import Diagnostic, Label
from dagfactory.document.node import Node
from dagfactory.document.reference import Ref, escape
from dagfactory.language.each import missing_key, reference

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import Span

LONGEST_NAME = 24
"""Characters of an item that still make a good end of an id."""


def unroll(tree: Node, lookup: Lookup) -> Node:
    """Return the tree with each group that has `for_each` written out."""
    tasks = tree.child("tasks")
    if tasks is None or not isinstance(tree.value, dict) or not any(_over_items(tasks)):
        return tree
    made, _ = _Unrolling(lookup).tasks(tasks)
    return replace(tree, value={**tree.value, "tasks": made})


def _over_items(tasks: Node) -> Iterator[bool]:
    for task in tasks.value.values() if isinstance(tasks.value, dict) else ():
        inner = task.child("tasks") if is_group(task) else None
        if inner:
            yield from (each for each in (_items(task) is not None, *_over_items(inner)) if each)


def _items(task: Node) -> Node | None:
    """Return what a task runs over; `null` is nothing."""
    found = task.child("for_each")
    return found if found and found.value is not None else None


@dataclass(slots=True)
class _Names:
    """What each name outside of the groups stands for, and where the items of each stand."""

    new: dict[str, tuple[str, ...]] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)

    def add(self, other: _Names) -> None:
        """Take in the names of another group."""
        self.new.update(other.new)
        self.places.update(other.places)


@dataclass(frozen=True, slots=True)
class _Unrolling:
    """Writes groups out; what it adds is counted by `lookup`, which also keeps what is wrong."""

    lookup: Lookup

    def tasks(self, node: Node) -> tuple[Node, _Names]:
        """Write out the groups in a mapping of tasks, and say what their names stand for."""
        if not isinstance(node.value, dict):
            return node, _Names()
        names, made = _Names(), {}
        for key, each in node.value.items():
            made[key], own = self._task(key, each)
            names.add(own)
        here = replace(node, value=made)
        outside = Collecting(names.new, names.places, self.lookup.problems)
        return (outside.tasks(here) if names.new else here), names

    def _task(self, name: str, node: Node) -> tuple[Node, _Names]:
        inner = node.child("tasks") if is_group(node) else None
        if inner is None or not isinstance(node.value, dict):
            return node, _Names()
        items = _items(node)
        if items is None:
            made, names = self.tasks(inner)
            return replace(node, value={**node.value, "tasks": made}), names
        self._useless_parallel(node)
        rest = {k: v for k, v in node.value.items() if k not in {"for_each", "parallel"}}
        outer = replace(node, value=rest)
        named = self._named(items)
        if named and isinstance(inner.value, dict) and inner.value and self._fits(items, inner):
            return self._each(name, outer, inner, named)
        # nobody knows the items, so nothing is said about what the texts make of them
        return _Item(None, self.lookup).task(outer), _Names()

    def _each(
        self, name: str, outer: Node, inner: Node, named: dict[str, Node]
    ) -> tuple[Node, _Names]:
        """Write the tasks of a group out for every item."""
        first = next(iter(named.values()))
        found = _Names(places=dict.fromkeys(ids(inner), first.span))
        members: dict[str, Node] = {}
        for index, (suffix, item) in enumerate(named.items()):
            of_item = _Item(item, self.lookup, index + 1)
            box = of_item.task(_kept(outer, _OF_ITEMS))
            body, below = self.tasks(_fields(box)["tasks"])
            new = {old: f"{old}_{suffix}" for old in ids(body)}
            fields = {**_fields(box), "tasks": Renaming(new).tasks(body)}
            members[f"{name}_{suffix}"] = replace(box, value=fields)
            for old in found.places:
                every = below.new.get(old, (old,))
                found.new[old] = (*found.new.get(old, ()), *(new[each] for each in every))
        keys = dict.fromkeys(members, next(iter(outer.keys.values())))
        tasks = Node(members, inner.span, keys)
        whole = replace(outer, value={**_fields(outer), "tasks": tasks})
        return _kept(whole, set(outer.keys) - {"doc"}), found

    def _named(self, items: Node) -> dict[str, Node]:
        """Return the items by what the ids of their tasks end with; none where something is wrong."""
        if not isinstance(items.value, tuple) or not items.value:
            self._not_known(items)
            return {}
        named: dict[str, Node] = {}
        for index, item in enumerate(items.value):
            suffix = _suffix(item, index)
            if suffix in named:
                self._same_name(suffix, item, named[suffix])
                return {}
            named[suffix] = item
        return named

    def _fits(self, items: Node, inner: Node) -> bool:
        count = len(items.value) if isinstance(items.value, tuple) else 0
        return self.lookup.added(Use(items), values=count * len(inner.walk()))

    def _not_known(self, items: Node) -> None:
        value = items.value
        late = reference(value)
        if late:
            message = f"`{late}` is known only to a run, and a group is written out before any"
            help_ = "write the items here or in `vars`, or give `for_each` to the tasks inside"
        else:
            empty = isinstance(value, tuple)
            message = "`for_each` of a group is " + ("an empty list" if empty else "not a list")
            help_ = "write `[a, b]` or `${vars.NAME}`"
        self._report("DF365", message, items.span, help_)

    def _same_name(self, suffix: str, item: Node, first: Node) -> None:
        message = f"two items are called `{suffix}` in the ids of their tasks"
        labels = (Label(first.span, "the other one"),)
        help_ = "give each a `name` of its own: `{name: …}`"
        self._report("DF366", message, item.span, help_, labels)

    def _useless_parallel(self, node: Node) -> None:
        if node.child("parallel"):
            message = "`parallel` has no effect on a group"
            help_ = "limit its tasks by a `pool`, or the run by `max_active_tasks`"
            self._report("DF214", message, node.keys["parallel"], help_)

    def _report(
        self, code: str, message: str, span: Span, help_: str, labels: tuple[Label, ...] = ()
    ) -> None:
        self.lookup.problems.append(Diagnostic(code, message, span, help_, labels=labels))


def _fields(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


_OF_ITEMS = frozenset({"type", "doc", "tasks"})
"""What a group over items says of the group of each; all else, as `after`, holds once for all."""


def _kept(node: Node, keys: Collection[str]) -> Node:
    """Return a mapping with no other keys."""
    values = {key: each for key, each in _fields(node).items() if key in keys}
    return replace(node, value=values, keys={key: node.keys[key] for key in values})


def _suffix(item: Node, index: int) -> str:
    """Return an item's end of an id: its name, or a short text or number, or else its place."""
    name = item.child("name") if isinstance(item.value, dict) else item
    value = name.value if name else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return str(index)
    made = re.sub(r"[^a-z0-9]+", "_", str(value).lower()).strip("_")
    return made if 0 < len(made) <= LONGEST_NAME else str(index)


@dataclass(frozen=True, slots=True)
class _Item:
    """Replaces `${each}` by an item, the `number`-th of a list; with None it becomes plain text."""

    item: Node | None
    lookup: Lookup
    number: int = 0

    def tasks(self, node: Node) -> Node:
        """Replace it in all tasks of a mapping."""
        return mapped(node, self.task)

    def task(self, node: Node) -> Node:
        """Replace it in a task."""
        fields = _fields(node)
        if not fields:
            return node
        # a task inside that runs over items of its own calls those `each`
        own = {"for_each"} if _items(node) else set(fields)
        made = {
            key: self._field(key, each, node) if key in own else each
            for key, each in fields.items()
        }
        return replace(node, value=made)

    def _field(self, key: str, each: Node, task: Node) -> Node:
        return self.tasks(each) if key == "tasks" and is_group(task) else self._text(each)

    def _text(self, node: Node) -> Node:
        found = pieces(node)
        refs = [each for each in found if isinstance(each, Ref) and each.root == "each"]
        if not refs:
            return mapped(node, self._text)
        if self.item is not None and len(found) == 1:
            value = self._value(refs[0], self.item, node)
            return moved(value, node.span) if value else node
        return with_text(node, "".join(self._piece(each, node) for each in found))

    def _piece(self, piece: str | Ref, node: Node) -> str:
        if isinstance(piece, str):
            return escape(piece)
        if piece.root != "each":
            return str(piece)
        value = self._value(piece, self.item, node) if self.item is not None else None
        if value is None:
            return escape(str(piece))
        return value.value if isinstance(value.value, str) else json.dumps(value.plain())

    def _value(self, ref: Ref, item: Node, node: Node) -> Node | None:
        """Return what a reference stands for, or None after saying why nothing."""
        problem = missing_key(item.plain(), ref.path)
        if problem:
            message = f"item {self.number} of `for_each` {problem[0]}"
            span = node.text_span(ref.start, ref.end)
            self.lookup.problems.append(Diagnostic("DF221", message, span, problem[1]))
            return None
        found = item.find(ref.path)
        fits = found is not None and self.lookup.added(Use(node), values=len(found.walk()))
        return found if fits else None
