"""Names of tasks that lead nowhere, and conditions that cannot be read, found on the tree.

Planning needs models, and a spec with a wrong value has none. The ids of its tasks are known all the
same: a misspelt task or an unreadable condition need not wait until the other mistakes are repaired.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath, Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.document.locate import locate
from dagfactory.document.reference import BadReferenceError, Ref, has_reference
from dagfactory.document.reference import parse as references
from dagfactory.language.condition import GateSyntaxError, parse

if TYPE_CHECKING:
    from dagfactory.document.node import Node

NAMES = frozenset({"DF202", "DF211"})
"""The codes of what is found here."""

_NAMING = ("after", "then", "else", "teardown")


def unknown_names(node: Node) -> Iterator[Diagnostic]:
    """Yield the tasks that nobody defines, and gate conditions that cannot be read."""
    return (locate(node, each) for each in _found(node))


def _found(node: Node) -> Iterator[Diagnostic]:
    tasks = node.find(("tasks",))
    ids = _Ids(_ids(tasks))
    for path, found in tasks.walk(("tasks",)) if tasks and ids.known else ():
        if isinstance(found.value, str):
            yield from _named(path, found.value, ids)
            if has_reference(found.value):
                yield from _referred(path, found.value, ids)
            yield from _condition(node, path, found.value)


class _Ids:
    """The ids of all tasks."""

    def __init__(self, ids: list[str]) -> None:
        self.known = dict.fromkeys(ids)
        self._asked = 0

    def hint(self, name: str) -> str | None:
        """Return what was meant; it compares the name with all others, so only the first are told."""
        self._asked += 1
        return did_you_mean(name, self.known) if self._asked <= limits.SUGGESTIONS.most else None


def _ids(tasks: Node | None) -> list[str]:
    """Return the ids of all tasks, those in groups included."""
    if tasks is None or not isinstance(tasks.value, dict):
        return []
    inner = [_ids(each.child("tasks")) for each in tasks.value.values()]
    return [*tasks.value, *(name for names in inner for name in names)]


def _named(path: KeyPath, text: str, ids: _Ids) -> Iterator[Diagnostic]:
    """Find an unknown task under `after`, `then`, `else` or `teardown`."""
    *above, key = path[:-1] if isinstance(path[-1], int) else path
    if key == "of" and above[-1:] == ["teardown"]:
        *above, key = above
    # `tasks`, an id, `tasks`, an id …: else the key is inside a task, an argument called `after`
    direct = len(above) % 2 == 0 and all(step == "tasks" for step in above[::2])
    # a reference that is left here could not be replaced, which has been said
    if key in _NAMING and direct and "${" not in text and text not in ids.known:
        yield Diagnostic("DF202", f"unknown task `{text}`", Pointer(path), help=ids.hint(text))


def _referred(path: KeyPath, text: str, ids: _Ids) -> Iterator[Diagnostic]:
    """Find references to outputs of unknown tasks."""
    try:
        pieces = references(text)
    except BadReferenceError:
        return
    for ref in pieces:
        if isinstance(ref, Ref) and ref.root == "tasks" and ref.path[0] not in ids.known:
            message, remedy = f"unknown task `{ref.path[0]}`", ids.hint(ref.path[0])
            yield Diagnostic(
                "DF202", message, Pointer(path, start=ref.start, end=ref.end), help=remedy
            )


def _condition(node: Node, path: KeyPath, text: str) -> Iterator[Diagnostic]:
    """Find a gate's condition that cannot be read."""
    if path[-1] != "when":
        return
    kind = node.find((*path[:-1], "type"))
    if kind is None or kind.value != "gate":
        return
    metrics = node.find((*path[:-1], "metrics"))
    sources = metrics.value if metrics and isinstance(metrics.value, dict) else ()
    try:
        parse(text, sources=sources)
    except GateSyntaxError as error:
        yield Diagnostic(
            "DF211",
            error.message,
            Pointer(path, start=error.start, end=error.end),
            help=error.help,
        )
