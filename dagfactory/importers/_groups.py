"""Tasks and task groups of a DAG, nested as they are drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from dagfactory.diagnostics.wording import did_you_mean, shorten
from dagfactory.document.node import Node
from dagfactory.importers._arguments import misplaced
from dagfactory.importers._remarks import BrokenError
from dagfactory.importers._shared import Given, fields, words
from dagfactory.importers._tasks import Raw, Scene, after, make
from dagfactory.importers._write import Block
from dagfactory.importers._yaml11 import native

if TYPE_CHECKING:
    from dagfactory.importers._values import Context

_Build: TypeAlias = Callable[[Raw, Mapping[str, Given], Scene], Block]
_LONGEST = 63
_ID = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_LOOKS = frozenset({"ui_color", "ui_fgcolor"})
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


def listed(node: Node | None, id_key: str, what: str) -> list[Raw]:
    """Return tasks or groups by name, from a mapping or from a list whose items hold `id_key`."""
    if node is None or node.value is None:
        return []
    if isinstance(node.value, dict):
        found = [Raw(name, node.keys[name], each) for name, each in node.value.items()]
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


def _item(node: Node, id_key: str, what: str) -> Raw:
    name = node.child(id_key)
    if name is None:
        raise BrokenError(f"a {what} of the list has no `{id_key}`", node.span)
    fields = node.value if isinstance(node.value, dict) else {}
    rest = {key: each for key, each in fields.items() if key != id_key}
    return Raw(str(native(name)), name.span, Node(rest, node.span, node.keys))


def allowed(names: Iterable[str]) -> dict[str, str]:
    """Return ids by name: those that are allowed stay, the others become as near as can be."""
    given = list(names)
    ids = {name: name for name in given if _ID.fullmatch(name)}
    for name in given:
        if name not in ids:
            ids[name] = slug(name, ids)
    return ids


def rename(raws: list[Raw], context: Context) -> dict[str, str]:
    """Return new ids by old ones, with a remark on each that differs."""
    ids = allowed(each.name for each in raws)
    for each in (each for each in raws if ids[each.name] != each.name):
        context.add(
            "renamed",
            f"`{shorten(each.name)}` becomes `{ids[each.name]}`",
            each.key,
            "ids are a-z, 0-9 and `_`; adapt what names it elsewhere",
        )
    return ids


class Tree:
    """Puts tasks into their groups, a group where its first member stands."""

    def __init__(self, groups: list[Raw], tasks: list[Raw], inherited: Mapping[str, Given]) -> None:
        self.groups = {each.name: each for each in groups}
        self.tasks = tasks
        self.inherited = inherited
        self.made: dict[str, Block] = {}
        self.root = Block()

    def build(self, scene: Scene) -> Block:
        """Return `tasks:`."""
        for raw in self.tasks:
            given = fields(raw.node).get("task_group_name")
            name = str(native(given.node)) if given and given.node.value else None
            chain = self._chain(name, given) if name else []
            inherited = dict(self.inherited)
            for group in chain:
                inherited |= self._passed_on(group, scene)
            place = self._open(chain, scene)
            self._put(place, raw, scene, make, inherited)
        for raw in self.groups.values():
            self._open(self._chain(raw.name, None), scene)
        for raw in reversed(self.groups.values()):
            self._without_tasks(raw, scene)
        return self.root

    def _without_tasks(self, raw: Raw, scene: Scene) -> None:
        """Turn a group that holds nothing into a task that does nothing: others may wait for it."""
        group = self.made[raw.name]
        if group["tasks"]:
            return
        del group["tasks"]
        group["type"] = "empty"
        group.open = False
        message = f"the empty group `{shorten(raw.name)}` becomes an `empty` task"
        scene.context.add("changed", message, raw.key)

    def _chain(self, name: str, given: Given | None) -> list[Raw]:
        """Return a group and those around it, the outermost first."""
        found: list[Raw] = []
        while name:
            if name not in self.groups:
                span = given.node.span if given else self.groups[found[0].name].key
                remedy = did_you_mean(name, self.groups, "groups")
                raise BrokenError(f"unknown task group `{shorten(name)}`", span, remedy)
            if any(each.name == name for each in found):
                raise BrokenError("task groups contain each other", self.groups[name].key)
            found.insert(0, self.groups[name])
            parent = self.groups[name].node.child("parent_group_name")
            name = str(native(parent)) if parent and parent.value else ""
        return found

    def _passed_on(self, group: Raw, scene: Scene) -> dict[str, Given]:
        """Return the arguments that a group gives its tasks."""
        given = fields(group.node.child("default_args"))
        owned = {key: each for key, each in given.items() if not misplaced(key)}
        for key in given.keys() - owned.keys():
            context = scene.context
            context.add("ignored", f"`{key}` has no effect in `default_args`", given[key].key)
        return owned

    def _open(self, chain: list[Raw], scene: Scene) -> Block:
        """Return the `tasks` of the innermost group, making the groups that are not there yet."""
        place = self.root
        for raw in chain:
            if raw.name not in self.made:
                self._put(place, raw, scene, _group, {})
                self.made[raw.name] = place[scene.ids[raw.name]]
            place = self.made[raw.name]["tasks"]
        return place

    def _put(
        self, place: Block, raw: Raw, scene: Scene, build: _Build, inherited: Mapping[str, Given]
    ) -> None:
        """Build a task or group into `place`, its comments and what is to do above it."""
        context, name = scene.context, scene.ids[raw.name]
        before = len(context.remarks)
        place[name] = build(raw, inherited, scene)
        left = [each.message for each in context.remarks[before:] if each.code in _TODO]
        line = min(raw.key.line, raw.node.span.line)
        above = context.comments.above(line) + [f"# TODO {each}" for each in left]
        beside = context.comments.beside(raw.key)
        if above or beside:
            place.note(name).above, place.note(name).beside = above, beside


def _group(raw: Raw, _inherited: Mapping[str, Given], scene: Scene) -> Block:
    """Return a group without its tasks."""
    given = fields(raw.node)
    made = Block(type="group", **after(given, scene))
    made.open = True
    tooltip = words(given["tooltip"], scene.context) if "tooltip" in given else None
    made |= {"doc": tooltip} if tooltip else {}
    for key, each in given.items():
        if key == "prefix_group_id" and native(each.node) is False:
            message = "the ids of its tasks get the group's id as a prefix"
            scene.context.add("changed", message, each.key)
        elif key in _LOOKS or key not in _OWN | {"prefix_group_id"}:
            scene.context.add("no-equivalent", f"`{key}` of a group was left out", each.key)
    made["tasks"] = Block()
    made["tasks"].open = True
    return made
