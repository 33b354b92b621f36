"""What all forms for people call things."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from dagfactory.deploy.changes.field import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagfactory.deploy.changes.field import Field
    from dagfactory.deploy.changes.model import Changes, PipelineChange, Reason

REASONS = {
    "spec": "its spec",
    "generator": "what writes it",
    "environment": "the environment",
    "wording": "its wording alone: order, short forms, unused variables or masked texts",
    "unknown": "what cannot be compared",
}
DOTS = "…"
_AROUND = 16
"""Characters shown on both sides of what differs in a long value."""
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def path_text(path: tuple[str, ...]) -> str:
    """Return a path with dots, a key in quotes where a dot would mislead."""
    return ".".join(each if _PLAIN.fullmatch(each) else literal(each) for each in path)


def literal(value: Any) -> str:
    """Return a value as JSON, on one line."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def values(field: Field, most: int) -> tuple[str, str]:
    """Return both values of a field, at most so long; what is left out is the same on both sides."""
    old, new = ("" if each is ABSENT else literal(each) for each in (field.old, field.new))
    start = 0
    if old and new and max(len(old), len(new)) > most:
        start = max(0, _shared(old, new) - _AROUND)
    dots = DOTS * bool(start)
    return cut(dots + old[start:], most), cut(dots + new[start:], most)


def headline(change: PipelineChange) -> str:
    """Return what changes in a pipeline, counted."""
    if change.action != "changed":
        return f"{change.action}, {counted(len(change.tasks), 'task')}"
    counts = Counter(each.action for each in change.tasks)
    parts = [f"{counted(count, 'task')} {action}" for action, count in sorted(counts.items())]
    if change.settings:
        parts.append(f"{counted(len(change.settings), 'setting')} changed")
    return ", ".join(parts) or "changed"


def because(reasons: Iterable[Reason]) -> str:
    """Return why DAG files change."""
    return f"because of {', '.join(REASONS[each] for each in reasons)}"


def told_apart(
    changes: Changes,
) -> tuple[list[PipelineChange], dict[tuple[Reason, ...], list[str]]]:
    """Return the pipelines with something of their own to tell, and the others' names by their reasons."""
    own, alike = [], defaultdict(list)
    for each in changes.pipelines:
        if each.action != "changed" or "spec" in each.reasons:
            own.append(each)
        else:
            alike[each.reasons].append(each.pipeline)
    return own, alike


def total(changes: Changes) -> str:
    """Return what changes in all, counted."""
    counts = Counter(each.action for each in changes.pipelines)
    parts = [f"{counted(count, 'pipeline')} {action}" for action, count in sorted(counts.items())]
    return ", ".join(parts) or "no pipeline changes"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def cut(text: str, most: int) -> str:
    """Return a text, or its beginning, in so many characters."""
    return text if len(text) <= most else text[: most - 1] + DOTS


def _shared(one: str, other: str) -> int:
    """Return the length of the beginning that two texts share."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
