"""A plan as text: one line per file, one per folder named after its content."""

from __future__ import annotations

from itertools import groupby

from dagfactory.deploy.manifest import named_by_content
from dagfactory.deploy.plan import SyncPlan
from dagfactory.deploy.stores import NEW

WORDS = {"+": "added", "~": "changed", "-": "removed"}
Row = tuple[str, str, int]
"""The sign with the path, what it is, its size in bytes."""


def plan_text(plan: SyncPlan) -> str:
    """Return the plan with a final line break, empty for an empty plan."""
    rows = [(head, what, f"{size:,} bytes") for head, what, size in _folded(_rows(plan))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        f"{head:<{widths[0]}}  {what:<{widths[1]}}  {size:>{widths[2]}}\n"
        for head, what, size in rows
    )


def plan_summary(plan: SyncPlan) -> str:
    """Return one line: how many files are new, changed and gone, and the bytes to upload."""
    if not plan:
        return "nothing to do"
    signs = [_sign(write.generation) for write in plan.writes] + ["-"] * len(plan.deletes)
    counts = [f"{signs.count(sign)} {word}" for sign, word in WORDS.items() if sign in signs]
    uploaded = sum(len(write.content) for write in plan.writes)
    return f"{', '.join(counts)}; {uploaded:,} bytes to write"


def _rows(plan: SyncPlan) -> list[Row]:
    writes = [_row(_sign(each.generation), each.path, len(each.content)) for each in plan.writes]
    return writes + [_row("-", each.path, max(each.size, 0)) for each in plan.deletes]


def _row(sign: str, path: str, size: int) -> Row:
    """Return a file's row; a file of a folder named after its content counts as the folder."""
    # a path can come from the destination and hold control characters, which a terminal would obey
    plain = path if path.isprintable() else ascii(path)
    if kind := named_by_content(path):
        return f"{sign} {plain.partition('/')[0]}/", kind, size
    is_dag = plain.endswith(".py") and "/" not in plain
    return f"{sign} {plain}", f"pipeline {plain.removesuffix('.py')}" if is_dag else "", size


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
