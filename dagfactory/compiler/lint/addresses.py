"""Addresses written out by hand that another task writes: nothing says which of the two comes first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.plan.order import Order
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.diagnostics.span import KeyPath

_WRITERS_OWN = ("destination", "doc")
"""Keys under which a task names what it writes itself, or only speaks of it."""

_NO_READER = ("notify", "wait_for_gcs")
_NO_WRITER = ("wait_for_gcs",)
_RUN = "${run.dir}"
_HEAD = 5
"""Characters of an address that are looked at first; no address is shorter."""
_BEGIN = re.compile(r"(?<![\w.-])\S")
_END = re.compile(r"(?![\w-])")


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a task that may name what another task writes."""

    task: PlannedTask
    path: KeyPath
    text: str


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find tasks that name the output of another one and do not come after it."""
    written = _Written(plan)
    named = [(text, found) for text in _texts(plan) for found in written.named_in(text.text)]
    # few specs write an address out
    order = Order(plan) if named else None
    seen: set[tuple[KeyPath, str]] = set()
    for text, (writer, output, start, end) in named:
        place = Pointer(text.path, start=start, end=end)
        problem = order and _unordered_read(text, plan.tasks[writer], output, place, order)
        if problem and (text.path, writer) not in seen:
            seen.add((text.path, writer))
            yield problem


class _Written:
    """The addresses that tasks write, to be found in texts."""

    def __init__(self, plan: Plan) -> None:
        self._by_address: dict[str, list[tuple[int, str, str]]] = {}
        writers = (each for each in plan.tasks.values() if each.task.type not in _NO_WRITER)
        rows = ((item, *row) for item in writers for row in _written(item.outputs, plan))
        for number, (item, output, address) in enumerate(rows):
            self._by_address.setdefault(address, []).append((number, item.id, output))
        self._heads = {each[:_HEAD] for each in self._by_address}
        self._longest = max(map(len, self._by_address), default=0)

    def named_in(self, text: str) -> list[tuple[str, str, int, int]]:
        """Return writer, output and the first place of each address in a text, in the order of tasks."""
        found: dict[tuple[int, str, str], tuple[int, int]] = {}
        for start in (each.start() for each in _BEGIN.finditer(text)):
            # all texts against all addresses would take as long as the square of the tasks
            if text[start : start + _HEAD] in self._heads:
                for end in _ends(text, start, self._longest):
                    for writer in self._by_address.get(text[start:end], ()):
                        found.setdefault(writer, (start, end))
        return [(task, output, *place) for (_, task, output), place in sorted(found.items())]


def _ends(text: str, start: int, longest: int) -> Iterator[int]:
    """Yield where an address that begins here may end."""
    beyond = min(start + longest, len(text)) + 1
    for each in _END.finditer(text, start + 1, beyond):
        if each.start() <= start + longest:
            yield each.start()


def _texts(plan: Plan) -> Iterator[_Text]:
    for item in plan.tasks.values():
        if item.task.type in _NO_READER:
            continue
        for path, text in plan.texts[item.path]:
            if path[len(item.path)] not in _WRITERS_OWN and ("/" in text or "." in text):
                yield _Text(item, path, text)


def _written(outputs: Mapping[str, Any], plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the addresses among a task's outputs as a spec would write them, folders before files."""
    for name, mark in (("dir", "/"), ("uri", "/"), ("table", ".")):
        found = outputs.get(name)
        # nobody can have written out what only XCom knows
        if not isinstance(found, str) or "{{ ti." in found:
            continue
        address = found.replace(plan.run_dir, _RUN)
        # a bare bucket belongs to many tasks, so its name says nothing about one of them
        if mark in address.partition("://")[2] or address.startswith(_RUN) or mark == ".":
            yield name, address


def _unordered_read(
    read: _Text, writer: PlannedTask, output: str, place: Pointer, order: Order
) -> Diagnostic | None:
    """Return what is wrong when a task reads what the writer writes, and not after it."""
    reader = read.task
    if writer.id == reader.id or writer.id in reader.groups:
        return None
    if order.has_ended(writer.id, before=reader.id):
        return None
    early = order.has_ended(reader.id, before=writer.id)
    if early and not read.text[place.start : place.end].startswith(_RUN):
        return None  # what stands there before this run writes it is left from another run
    when = "which comes later" if early else "and does not wait for it"
    turn = f"refer to it, `${{tasks.{writer.id}.{output}}}`, or add `after: [{writer.id}]`"
    return Diagnostic(
        "DF315",
        f"`{reader.id}` reads what `{writer.id}` writes, {when}",
        place,
        help=f"turn the two around: `{writer.id}` waits for this task" if early else turn,
        severity="warning",
    )
