"""The files of a plan as text: what is there and what a sync would write, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.bundle.bundle import MANIFEST, unified_diff
from dagfactory.compiler.bundle.plan_paths import FOLDER
from dagfactory.deploy.stores import NEW
from dagfactory.diagnostics.redact import masked
from dagfactory.diagnostics.terminal import safe
from dagfactory.project.content_name import kind_of

if TYPE_CHECKING:
    from dagfactory.deploy.plan import SyncPlan
    from dagfactory.deploy.stores import Store


def diff_text(plan: SyncPlan, store: Store, encoding: str = "utf-8") -> str:
    """Return a unified diff of every file that people read, without secrets of a known shape."""
    files = [(each.path, each.generation, each.content) for each in plan.writes]
    files += [(each.path, each.generation, b"") for each in plan.deletes]
    text = "".join(
        _file(path, generation, content, store)
        for path, generation, content in files
        if _is_read(path)
    )
    # what is there may be somebody else's, and a terminal would obey it
    return "\n".join(safe(line, encoding) for line in masked(text).split("\n"))


def _is_read(path: str) -> bool:
    # a folder named after its content is new as a whole; what plans say, `dagfactory plan` says better
    return not (kind_of(path) or path.startswith(FOLDER) or path == MANIFEST)


def _file(path: str, generation: int, content: bytes, store: Store) -> str:
    """Return the diff of one file; one that is deleted has no content."""
    old = None if generation == NEW else store.read(path, generation=generation)
    return unified_diff(path, old, content or None)
