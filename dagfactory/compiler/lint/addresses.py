"""Addresses written out by hand that another task writes: nothing says which of the two comes first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.lint._flow import expanded
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


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a task that may name what another task writes."""

    task: PlannedTask
    path: KeyPath
    text: str


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find tasks that name the output of another one and do not come after it."""
    texts = list(_texts(plan))
    written = {
        name: dict(_written(item.outputs, plan))
        for name, item in plan.tasks.items()
        if item.task.type not in _NO_WRITER
    }
    named = [
        (text, writer, output, place)
        for text in texts
        for writer, outputs in written.items()
        for output, address in outputs.items()
        if (place := _occurrence(address, text.text))
    ]
    # few specs write an address out, and the way to every task grows with the square of them
    after = _descendants(plan) if named else {}
    seen: set[tuple[KeyPath, str]] = set()
    for text, writer, output, place in named:
        problem = _unordered_read(text, plan.tasks[writer], output, place, after)
        if problem and (text.path, writer) not in seen:
            seen.add((text.path, writer))
            yield problem


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


def _descendants(plan: Plan) -> dict[str, set[str]]:
    """Return task → every task that comes after it on some way."""
    below: dict[str, set[str]] = {name: set() for name in plan.tasks}
    for upstream, downstream, _ in expanded(plan):
        below[upstream].add(downstream)
    for name in plan.tasks:
        waiting = list(below[name])
        while waiting:
            fresh = below[waiting.pop()] - below[name]
            below[name] |= fresh
            waiting += fresh
    return below


def _unordered_read(
    read: _Text, writer: PlannedTask, output: str, place: re.Match[str], after: dict[str, set[str]]
) -> Diagnostic | None:
    """Return what is wrong when a task reads what the writer writes, and not after it."""
    reader = read.task
    if writer.id == reader.id or reader.id in after[writer.id] or writer.id in reader.groups:
        return None
    early = writer.id in after[reader.id]
    if early and not place[0].startswith(_RUN):
        return None  # what stands there before this run writes it is left from another run
    when = "which comes later" if early else "and does not wait for it"
    turn = f"refer to it, `${{tasks.{writer.id}.{output}}}`, or add `after: [{writer.id}]`"
    return Diagnostic(
        "DF315",
        f"`{reader.id}` reads what `{writer.id}` writes, {when}",
        Pointer(read.path, start=place.start(), end=place.end()),
        help=f"turn the two around: `{writer.id}` waits for this task" if early else turn,
        severity="warning",
    )


def _occurrence(address: str, text: str) -> re.Match[str] | None:
    """Find an address in a text, as a whole or as the beginning of a longer one."""
    if address not in text:
        return None
    return re.search(rf"(?<![\w.-]){re.escape(address)}(?![\w-])", text)
