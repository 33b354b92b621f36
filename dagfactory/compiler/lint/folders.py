"""A folder's address and a name that run together: no address of a folder ends with `/`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dagfactory.compiler.plan.texts import references
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.compiler.plan.model import Plan
    from dagfactory.document.reference import Ref

_NAME = re.compile(r"[A-Za-z][\w-]*[./]\w*", re.ASCII)
"""How the name of a file or of a folder begins; `_old` or `-2` may make another folder's name on purpose."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find names that stand right behind the address of a folder."""
    for item in plan.tasks.values():
        for path, text in plan.texts[item.path]:
            for ref in references(text):
                name = _NAME.match(text, ref.end)
                if name and _is_folder(ref):
                    yield _joined(Pointer(path, start=ref.start, end=name.end()), ref, name[0])


def _is_folder(ref: Ref) -> bool:
    last = ref.path[-1] if ref.path else ""
    return ref.root in ("tasks", "run") and (last.endswith("dir") or last == "checkpoint")


def _joined(place: Pointer, ref: Ref, name: str) -> Diagnostic:
    message = f"`{ref}` is a folder without `/` at its end, and `{shorten(name)}` becomes part of its name"
    return Diagnostic("DF338", message, place, help=f"write `{ref}/{shorten(name)}`")
