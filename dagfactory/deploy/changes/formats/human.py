"""A plan for people: a block for each pipeline, a line for each key, warnings at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.deploy.changes.formats._words import (
    because,
    counted,
    headline,
    literal,
    path_text,
    told_apart,
    total,
    values,
)
from dagfactory.diagnostics.terminal import safe, width
from dagfactory.diagnostics.wording import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.deploy.changes.field import Field
    from dagfactory.deploy.changes.formats import Planned
    from dagfactory.deploy.changes.model import PipelineChange, TaskChange
    from dagfactory.report import Style

_COLORS = {"+": "32", "-": "31", "~": "33", "→": "36"}
_BOLD, _WARNING = "1", "1;33"
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "→"}
_SHORTEST = 16


def text(planned: Planned, style: Style) -> str:
    """Return what changes, layer by layer, and a line that sums it up."""
    changes = planned.changes
    own, alike = told_apart(changes)
    lines = [line for each in own for line in _pipeline(each, style)]
    for reasons, names in alike.items():
        title = _paint(counted(len(names), "pipeline"), _BOLD, style)
        lines += [
            f"{title} changed {because(reasons)}",
            f"  {safe(listing(names), style.encoding)}",
        ]
    lines += _block("generator", changes.generator, style)
    lines += _block(f"environment {planned.environment}", changes.environment, style)
    for each in changes.warnings:
        about = f"{each.pipeline}: " if each.pipeline else ""
        warning = _paint("warning:", _WARNING, style)
        lines.append(f"{warning} {safe(about + each.text, style.encoding)}")
    lines.append(f"{total(changes)}; files: {planned.summary}")
    return "\n".join(lines) + "\n"


def _pipeline(change: PipelineChange, style: Style) -> Iterator[str]:
    """Yield the block of one pipeline."""
    title = safe(f"pipeline {change.pipeline}", style.encoding)
    yield f"{_paint(title, _BOLD, style)}: {headline(change)}"
    if change.action == "changed" and change.reasons != ("spec",):
        yield f"  {because(change.reasons)}"
    # of a pipeline that is new or gone its tasks are enough
    if change.action == "changed":
        yield from _fields(change.settings, "  ", style)
    for task in change.tasks:
        yield from _task(task, style)
    if change.action == "changed":
        edges = [("+", each) for each in change.edges_added]
        edges += [("-", each) for each in change.edges_removed]
        for sign, (before, after) in edges:
            yield _line("  ", sign, f"edge {before} → {after}", style)
        for each in change.sizes:
            old, new = (literal(side) for side in (each.old, each.new))
            yield _line("  ", "~", f"{each.path[0]}: runs {old} → {new} times", style)
    yield from (f"  {safe(each, style.encoding)}" for each in change.notes)


def _task(task: TaskChange, style: Style) -> Iterator[str]:
    """Yield a task's line and those of its keys."""
    name = f"{task.id} → {task.to}" if task.to else task.id
    yield _line("  ", _SIGNS[task.action], f"{name} ({task.type})", style)
    yield from _fields(task.fields, "      ", style)


def _block(title: str, changed: tuple[Field, ...], style: Style) -> Iterator[str]:
    if changed:
        yield _paint(safe(title, style.encoding), _BOLD, style)
        yield from _fields(changed, "  ", style)


def _fields(changed: tuple[Field, ...], indent: str, style: Style) -> Iterator[str]:
    """Yield a line for each key, values below each other."""
    names = [safe(path_text(each.path), style.encoding) for each in changed]
    column = max(map(width, names), default=0)
    for each, name in zip(changed, names, strict=True):
        room = (style.width - len(indent) - column - len("~   → ")) // (1 + (each.sign == "~"))
        old, new = values(each, max(room, _SHORTEST))
        said = f"{old} → {new}" if each.sign == "~" else old or new
        yield _line(indent, each.sign, f"{name}{' ' * (column - width(name))}  {said}", style)


def _line(indent: str, sign: str, said: str, style: Style) -> str:
    shown = safe(sign, style.encoding)
    return f"{indent}{_paint(shown, _COLORS[sign], style)} {safe(said, style.encoding)}"


def _paint(said: str, color: str, style: Style) -> str:
    return f"\x1b[{color}m{said}\x1b[0m" if style.color else said
