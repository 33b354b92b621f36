"""A plan as text: one line per file, one per folder of plans or named after its content."""

from __future__ import annotations

from itertools import groupby

from dagfactory.compiler.bundle.plan_paths import FOLDER
from dagfactory.deploy.plan import SyncPlan
from dagfactory.deploy.stores import NEW
from dagfactory.diagnostics.terminal import safe
from dagfactory.project.content_name import kind_of

WORDS = {"+": "added", "~": "changed", "-": "removed", "?": "left"}
Row = tuple[str, str, int]
"""The sign with the path, what it is, its size in bytes; of a single file sign, path and size."""


def plan_text(plan: SyncPlan, encoding: str = "utf-8") -> str:
    """Return the plan with a final line break, empty for an empty plan."""
    rows = [
        (safe(head, encoding), safe(what, encoding), f"{size:,} bytes")
        for head, what, size in _folded(_rows(plan))
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        f"{head:<{widths[0]}}  {what:<{widths[1]}}  {size:>{widths[2]}}\n"
        for head, what, size in rows
    )


def plan_summary(plan: SyncPlan) -> str:
    """Return one line: how many files are new, changed, gone and left, and the bytes to upload."""
    if not plan and not plan.left:
        return "nothing to do"
    signs = [sign for sign, _, _ in _files(plan)]
    counts = [f"{signs.count(sign)} {word}" for sign, word in WORDS.items() if sign in signs]
    uploaded = sum(len(write.content) for write in plan.writes)
    return f"{', '.join(counts)}; {uploaded:,} bytes to write"


def left_text(plan: SyncPlan) -> str:
    """Return a line about files of ours that no manifest names; an empty text without any."""
    if not plan.left:
        return ""
    names = ", ".join(sorted({_shown(each.path) for each in plan.left}))
    return f"left by a sync that was cut off, or is at work now: {names}; add --yes to delete"


def _files(plan: SyncPlan) -> list[Row]:
    """Return the sign, path and size of each file."""
    writes = [(_sign(each.generation), each.path, len(each.content)) for each in plan.writes]
    gone = [("-", each.path, max(each.size, 0)) for each in plan.deletes]
    return [*writes, *gone, *(("?", each.path, each.size) for each in plan.left)]


def _rows(plan: SyncPlan) -> list[Row]:
    return [_row(*each) for each in _files(plan)]


def _row(sign: str, path: str, size: int) -> Row:
    """Return a file's row; a file of a folder that is ours counts as the folder."""
    if kind := _kind(path):
        return f"{sign} {_shown(path)}", kind, size
    is_dag = path.endswith(".py") and "/" not in path
    return f"{sign} {path}", f"pipeline {path.removesuffix('.py')}" if is_dag else "", size


def _shown(path: str) -> str:
    """Return what stands for a file: itself, or the folder that is ours."""
    return f"{path.partition('/')[0]}/" if _kind(path) else path


def _kind(path: str) -> str:
    """Return what a folder of ours holds, in which a file lies; empty for others."""
    return FOLDER.rstrip("/") if path.startswith(FOLDER) else kind_of(path)


def _folded(rows: list[Row]) -> list[Row]:
    """Return one row for each folder."""
    folded = []
    for head, group in groupby(rows, key=lambda row: row[0]):
        found = list(group)
        what = found[0][1]
        if head.endswith("/"):
            what = f"{what}, {len(found)} file{'s' * (len(found) != 1)}"
        folded.append((head, what, sum(size for _, _, size in found)))
    return folded


def _sign(generation: int) -> str:
    return "+" if generation == NEW else "~"
