"""A plan as a comment of a pull request: tables in Markdown that no text of a spec can break.

Whatever comes from a spec or a destination stands in code spans, where neither HTML nor a mention means
anything. The only HTML are `details` and `summary`, around what the reader may not want to see.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING

from dagfactory.deploy.changes.formats._words import (
    because,
    counted,
    cut,
    headline,
    literal,
    path_text,
    told_apart,
    total,
    values,
)
from dagfactory.diagnostics.terminal import safe
from dagfactory.diagnostics.wording import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.deploy.changes.field import Field
    from dagfactory.deploy.changes.formats import Planned
    from dagfactory.deploy.changes.model import PipelineChange, Reason, TaskChange, Warned
    from dagfactory.report import Style

MOST = 65_535
"""Characters of a comment on GitHub; counted here as bytes, of which there are never fewer."""
_LIST = 12_000
"""Bytes of the list of pipelines, and of that of warnings; the table has the rest."""
_LONGEST = 200
"""Characters of a value that are shown."""
_SPAN = 500
"""Characters of anything else."""
_BEFORE_PIPE = re.compile(r"\\+(?=\|)")
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "→"}
_HEAD = ("| | where | key | deployed | new |", "|---|---|---|---|---|")
_OPEN = ("<details>", "<summary>All changes</summary>", "", *_HEAD)
_CLOSE = ("", "</details>")


def text(planned: Planned, style: Style) -> str:
    """Return the whole plan, or as much as fits and how much does not."""
    changes = planned.changes
    own, alike = told_apart(changes)
    head = [
        f"### dagfactory plan for {_code(planned.environment)}: {total(changes)}",
        "",
        f"{_code(planned.destination)}: {planned.summary}",
        *_list("", [*(line for each in own for line in _lines(each)), *_alike(alike)], "line"),
        *_list("**Warnings**", [_warning(each) for each in changes.warnings], "warning"),
    ]
    room = MOST - len("\n".join(head).encode())
    whole = "\n".join([*head, *_table(list(_rows(planned)), room)]) + "\n"
    return whole.encode(style.encoding, "xmlcharrefreplace").decode(style.encoding)


def _list(title: str, items: list[str], noun: str) -> list[str]:
    """Return a list below its title, with how many items it leaves out."""
    if not items:
        return []
    kept = _fitting(items, _LIST)
    more = len(items) - len(kept)
    rest = [f"- and {counted(more, noun)} more"] if more else []
    return [*(("", title) if title else ()), "", *kept, *rest]


def _fitting(lines: list[str], room: int) -> list[str]:
    """Return the first lines, as many as fit into so many bytes."""
    sizes = accumulate(len(each.encode()) + 1 for each in lines)
    return lines[: sum(size <= room for size in sizes)]


def _warning(warned: Warned) -> str:
    about = f"{_code(warned.pipeline)}: " if warned.pipeline else ""
    return f"- ⚠ {about}{_code(warned.text)}"


def _lines(change: PipelineChange) -> Iterator[str]:
    yield _title(change)
    yield from (f"  - {_code(each)}" for each in change.notes)


def _title(change: PipelineChange) -> str:
    """Return a pipeline with what changes in it, and why unless it is its spec."""
    why = f", {because(change.reasons)}" if change.reasons != ("spec",) else ""
    return f"- {_code(change.pipeline)}: {headline(change)}{why}"


def _alike(alike: dict[tuple[Reason, ...], list[str]]) -> Iterator[str]:
    """Yield a line for the pipelines that change for the same reasons and no other."""
    for reasons, names in alike.items():
        yield f"- {counted(len(names), 'pipeline')} changed {because(reasons)}: {_code(listing(names))}"


def _table(rows: list[str], room: int) -> list[str]:
    """Return the table of rows, in details, that fits into so many bytes."""
    if not rows:
        return []
    frame = ["", *_OPEN, *_CLOSE, "", _missing(len(rows))]
    kept = _fitting(rows, room - len("\n".join(frame).encode()) - 2)
    missing = ["", _missing(len(rows) - len(kept))] if len(kept) < len(rows) else []
    return ["", *_OPEN, *kept, *_CLOSE, *missing]


def _missing(count: int) -> str:
    return f"{counted(count, 'change')} more: `dagfactory plan` shows all"


def _rows(planned: Planned) -> Iterator[str]:
    """Yield the rows of the table, layer by layer."""
    changes = planned.changes
    for change in changes.pipelines:
        yield from _pipeline(change)
    yield from _fields("generator", changes.generator)
    yield from _fields(f"environment {planned.environment}", changes.environment)


def _pipeline(change: PipelineChange) -> Iterator[str]:
    name = change.pipeline
    if change.action != "changed":
        yield _row(_SIGNS[change.action], name)
    else:
        yield from _fields(name, change.settings)
    for task in change.tasks:
        yield from _task(name, task)
    if change.action == "changed":
        for sign, edges in (("+", change.edges_added), ("-", change.edges_removed)):
            yield from (_row(sign, f"{name}: {before} → {after}") for before, after in edges)
        for each in change.sizes:
            old, new = literal(each.old), literal(each.new)
            yield _row("~", f"{name}: {each.path[0]}", "runs", old, new)


def _task(pipeline: str, task: TaskChange) -> Iterator[str]:
    where = f"{pipeline}: {task.id}" + (f" → {task.to}" if task.to else "")
    if task.fields:
        yield from _fields(where, task.fields)
    else:
        old, new = (task.type if side else "" for side in (task.old, task.new))
        yield _row(_SIGNS[task.action], where, "", old, new)


def _fields(where: str, changed: tuple[Field, ...]) -> Iterator[str]:
    for each in changed:
        yield _row(each.sign, where, path_text(each.path), *values(each, _LONGEST))


def _row(sign: str, where: str, key: str = "", old: str = "", new: str = "") -> str:
    """Return a row; an empty cell stays empty."""
    cells = (_cell(each) if each else "" for each in (where, key, old, new))
    return f"| {sign} | {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return a text as a code span for a table, which takes the backslash before a pipe away again."""
    # readers of Markdown disagree on the pipe behind an odd number of backslashes
    even = _BEFORE_PIPE.sub(lambda run: run[0] + "\\" * (len(run[0]) % 2), _code(text))
    return even.replace("|", "\\|")


def _code(text: str) -> str:
    """Return a text as a code span."""
    shown = cut(safe(text, "utf-8").strip() or "(empty)", _SPAN)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
