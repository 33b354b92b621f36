"""Tasks and task groups of a DAG, nested as their groups are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from dagfactory.diagnostics.wording import did_you_mean, shorten
from dagfactory.document.node import Node
from dagfactory.importers._arguments import is_dag_key
from dagfactory.importers._remarks import BrokenError
from dagfactory.importers._shared import Argument, fields, nonblank_text
from dagfactory.importers._tasks import SourceEntry, after, make
from dagfactory.importers._write import CommentedMap
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.importers._values import ImportContext

_Build: TypeAlias = Callable[[SourceEntry, Mapping[str, Argument], "ImportContext"], CommentedMap]
_LONGEST = 63
_ID = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_UI_KEYS = frozenset({"ui_color", "ui_fgcolor"})
_OWN = frozenset(
    {"tooltip", "dependencies", "parent_group_name", "default_args", "group_id", "group_name"}
)
_TODO = frozenset({"no-equivalent", "not-called"})


def slug(name: str, taken: Mapping[str, str]) -> str:
    """Return an id that specs allow, as near to `name` as can be and not among the values of `taken`."""
    base = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "task"
    base = (base if base[0].isalpha() else f"t_{base}")[:_LONGEST]
    found, count = base, 1
    while found in taken.values():
        count += 1
        found = f"{base[: _LONGEST - 1 - len(str(count))]}_{count}"
    return found


def source_entries(node: Node | None, id_key: str, what: str) -> list[SourceEntry]:
    """Return tasks or groups by name, from a mapping or from a list whose items hold `id_key`."""
    if node is None or node.value is None:
        return []
    if isinstance(node.value, dict):
        found = [SourceEntry(name, node.keys[name], each) for name, each in node.value.items()]
    elif isinstance(node.value, tuple):
        found = [_item(each, id_key, what) for each in node.value]
    else:
        raise BrokenError(f"{what}s must be a mapping or a list", node.span)
    names = [each.name for each in found]
    for at, each in enumerate(found):
        if not isinstance(each.node.value, dict):
            raise BrokenError(f"{what} `{shorten(each.name)}` is not a mapping", each.key)
        if each.name in names[:at]:
            raise BrokenError(f"{what} `{shorten(each.name)}` is given twice", each.key)
    return found


def _item(node: Node, id_key: str, what: str) -> SourceEntry:
    name = node.child(id_key)
    if name is None:
        raise BrokenError(f"a {what} of the list has no `{id_key}`", node.span)
    fields = node.value if isinstance(node.value, dict) else {}
    rest = {key: each for key, each in fields.items() if key != id_key}
    return SourceEntry(str(yaml11_value(name)), name.span, Node(rest, node.span, node.keys))


def valid_ids(names: Iterable[str]) -> dict[str, str]:
    """Return ids by name: those that are allowed stay, the others become as near as can be."""
    given = list(names)
    ids = {name: name for name in given if _ID.fullmatch(name)}
    for name in given:
        if name not in ids:
            ids[name] = slug(name, ids)
    return ids


def assign_ids(entries: list[SourceEntry], context: ImportContext) -> dict[str, str]:
    """Return new ids by old ones, with a remark on each that differs."""
    ids = valid_ids(each.name for each in entries)
    for each in (each for each in entries if ids[each.name] != each.name):
        context.add(
            "renamed",
            f"`{shorten(each.name)}` becomes `{ids[each.name]}`",
            each.key,
            "ids are a-z, 0-9 and `_`; adapt what names it elsewhere",
        )
    return ids


class TaskTree:
    """Puts tasks into their groups, a group where its first member stands."""

    def __init__(
        self, groups: list[SourceEntry], tasks: list[SourceEntry], inherited: Mapping[str, Argument]
    ) -> None:
        self.groups = {each.name: each for each in groups}
        self.tasks = tasks
        self.inherited = inherited
        self.made: dict[str, CommentedMap] = {}
        self.root = CommentedMap()

    def build(self, context: ImportContext) -> CommentedMap:
        """Return `tasks:`."""
        for entry in self.tasks:
            given = fields(entry.node).get("task_group_name")
            name = str(yaml11_value(given.node)) if given and given.node.value else None
            chain = self._chain(name, given) if name else []
            inherited = dict(self.inherited)
            for group in chain:
                inherited |= self._passed_on(group, context)
            place = self._open(chain, context)
            self._put(place, entry, context, make, inherited)
        for entry in self.groups.values():
            self._open(self._chain(entry.name, None), context)
        for entry in reversed(self.groups.values()):
            self._without_tasks(entry, context)
        return self.root

    def _without_tasks(self, entry: SourceEntry, context: ImportContext) -> None:
        """Turn a group without tasks into an `empty` task."""
        # not left out: others may come after it
        group = self.made[entry.name]
        if group["tasks"]:
            return
        del group["tasks"]
        group["type"] = "empty"
        group.block_style = False
        message = f"the empty group `{shorten(entry.name)}` becomes an `empty` task"
        context.add("changed", message, entry.key)

    def _chain(self, name: str, given: Argument | None) -> list[SourceEntry]:
        """Return a group and those around it, the outermost first."""
        found: list[SourceEntry] = []
        while name:
            if name not in self.groups:
                span = given.node.span if given else self.groups[found[0].name].key
                remedy = did_you_mean(name, self.groups, "groups")
                raise BrokenError(f"unknown task group `{shorten(name)}`", span, remedy)
            if any(each.name == name for each in found):
                raise BrokenError("task groups contain each other", self.groups[name].key)
            found.insert(0, self.groups[name])
            parent = self.groups[name].node.child("parent_group_name")
            name = str(yaml11_value(parent)) if parent and parent.value else ""
        return found

    def _passed_on(self, group: SourceEntry, context: ImportContext) -> dict[str, Argument]:
        """Return the arguments that a group gives its tasks."""
        given = fields(group.node.child("default_args"))
        owned = {key: each for key, each in given.items() if not is_dag_key(key)}
        for key in given.keys() - owned.keys():
            context.add("ignored", f"`{key}` has no effect in `default_args`", given[key].key)
        return owned

    def _open(self, chain: list[SourceEntry], context: ImportContext) -> CommentedMap:
        """Return the `tasks` of the innermost group; make the groups that do not exist yet."""
        place = self.root
        for entry in chain:
            if entry.name not in self.made:
                self._put(place, entry, context, _group, {})
                self.made[entry.name] = place[context.ids[entry.name]]
            place = self.made[entry.name]["tasks"]
        return place

    def _put(
        self,
        place: CommentedMap,
        entry: SourceEntry,
        context: ImportContext,
        build: _Build,
        inherited: Mapping[str, Argument],
    ) -> None:
        """Build a task or group into `place`, below its comments and a TODO for each lost part."""
        name = context.ids[entry.name]
        before = len(context.remarks)
        place[name] = build(entry, inherited, context)
        left = [each.message for each in context.remarks[before:] if each.code in _TODO]
        line = min(entry.key.line, entry.node.span.line)
        above = context.comments.above(line) + [f"# TODO {each}" for each in left]
        beside = context.comments.beside(entry.key)
        if above or beside:
            place.comments_of(name).above, place.comments_of(name).beside = above, beside


def _group(
    entry: SourceEntry, _inherited: Mapping[str, Argument], context: ImportContext
) -> CommentedMap:
    """Return a group without its tasks."""
    given = fields(entry.node)
    made = CommentedMap(type="group", **after(given, context))
    made.block_style = True
    tooltip = nonblank_text(given["tooltip"], context) if "tooltip" in given else None
    made |= {"doc": tooltip} if tooltip else {}
    for key, each in given.items():
        if key == "prefix_group_id" and yaml11_value(each.node) is False:
            message = "the ids of its tasks get the group's id as a prefix"
            context.add("changed", message, each.key)
        elif key in _UI_KEYS or key not in _OWN | {"prefix_group_id"}:
            context.add("no-equivalent", f"`{key}` of a group was left out", each.key)
    made["tasks"] = CommentedMap()
    made["tasks"].block_style = True
    return made
