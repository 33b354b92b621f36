"""A task with mistakes becomes a hole: what other tasks need to know of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from dagfactory.compiler.validate.errors import diagnose, faulty
from dagfactory.diagnostics.wording import closest, our_name
from dagfactory.tasks._hole import Hole

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.document.node import Node
    from dagfactory.language.task import TaskBase

_NAMING = ("after", "then", "else", "teardown", "trigger_rule", "for_each", "tasks", "type")
"""Keys that say what a task waits for, or whether it runs at all."""

# a sweep has a `parallel` of its own, and what it means needs the type
_OWN = {"type", "tasks", "settled", "parallel", "otherwise"}
_KEPT = (set(Hole.model_fields) | {"else"}) - _OWN
_ANY_LIST = "${params.any}"


def hole(
    node: Node, path: KeyPath, wrong: Collection[str], members: Mapping[str, TaskBase]
) -> tuple[Hole, list[Diagnostic]]:
    """Return what is known of the task at `path`, whose keys `wrong` have mistakes, and further ones."""
    data = _kept(node, path, wrong)
    found: list[Diagnostic] = []
    try:
        made = Hole.model_validate(data)
    except ValidationError as error:
        # only a task of unknown type: nobody has looked at the keys that all types have
        found = diagnose(error, Hole, node, path)
        wrong = {*wrong, *(str(each[len(path)]) for each in faulty(error, node, path))}
        made = _as_far_as_right(_kept(node, path, wrong))
    settled = not any(map(_names_tasks, wrong))
    return made.model_copy(update={"tasks": dict(members), "settled": settled}), found


def _as_far_as_right(data: dict[str, Any]) -> Hole:
    try:
        return Hole.model_validate(data)
    except ValidationError:
        return Hole()


def _kept(node: Node, path: KeyPath, wrong: Collection[str]) -> dict[str, Any]:
    """Return the keys that all types have, and a gate's, as far as they are right."""
    here = node.find(path)
    fields = here.value if here and isinstance(here.value, dict) else {}
    kept = {key: each.plain() for key, each in fields.items() if key in _KEPT and key not in wrong}
    for side in ("then", "else"):
        if isinstance(kept.get(side), str):
            kept[side] = [kept[side]]
    # its texts may speak of `${each}`
    if any(_is_like(key, ("for_each",)) for key in wrong):
        kept["for_each"] = _ANY_LIST
    return kept


def _names_tasks(key: str) -> bool:
    return _is_like(key, _NAMING)


def _is_like(key: str, names: Collection[str]) -> bool:
    """Whether a key is one of some, a misspelling of one, or what another tool calls it."""
    return our_name(key) in names or bool(closest(key, list(names), 1))
