"""The `${...}` references of a text, with their offsets.

`$${` stands for a literal `${`. Airflow's `{{ ... }}` is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from dagfactory.diagnostics.diagnostic import DagfactoryError


@dataclass(frozen=True, slots=True)
class Root:
    """What a reference can start with.

    `form` shows how it is written and `segments` is how many names follow at least; `fields` are the
    only ones, where they are known. A `static` one is replaced while layers are resolved. Any other
    becomes what `template` makes of its path, or is looked up among the outputs of tasks.
    """

    form: str
    segments: int = 1
    fields: tuple[str, ...] = ()
    static: bool = False
    template: Callable[[tuple[str, ...]], str] | None = None


def _item(path: tuple[str, ...]) -> str:
    return "{{ params.for_each" + "".join(f"[{key!r}]" for key in path) + " }}"


ROOTS: dict[str, Root] = {
    "vars": Root("${vars.NAME}", static=True),
    "env": Root("${env.FIELD}", static=True),
    "run": Root("${run.dir}", fields=("dir", "id"), template=lambda _: "{{ run_id }}"),
    "tasks": Root("${tasks.ID.OUTPUT}", segments=2),
    "params": Root("${params.NAME}", template=lambda path: "{{ params." + path[0] + " }}"),
    "each": Root("${each}", segments=0, template=_item),
}
"""Every root, in the order in which messages list them."""

_START = re.compile(r"\$(\$?)\{")
_BODY = re.compile(r"[^{}$\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True)
class Ref:
    """One `${root.path}`; `start` and `end` are offsets into the text, `end` exclusive."""

    root: str
    path: tuple[str, ...]
    start: int
    end: int

    @property
    def static(self) -> bool:
        """Whether it is replaced while layers are resolved, not when tasks are lowered."""
        return ROOTS[self.root].static

    def __str__(self) -> str:
        return "${" + ".".join((self.root, *self.path)) + "}"


class BadReferenceError(DagfactoryError):
    """A `${...}` that cannot be read; `start` and `end` are offsets into the text."""

    def __init__(self, message: str, start: int, end: int, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.remedy = remedy


def parse(text: str) -> tuple[str | Ref, ...]:
    """Split a text into literal pieces (escapes undone) and references.

    Raises BadReferenceError for the first reference that is unclosed, malformed or unknown.
    """
    if not has_reference(text):
        return (text,)
    pieces: list[str | Ref] = []
    literal, position = "", 0
    while found := _START.search(text, position):
        literal += text[position : found.start()]
        if found[1]:
            literal, position = literal + "${", found.end()
            continue
        reference = _reference(text, found.start())
        pieces += [literal, reference] if literal else [reference]
        literal, position = "", reference.end
    literal += text[position:]
    return (*pieces, literal) if literal or not pieces else tuple(pieces)


def has_reference(text: str) -> bool:
    """Whether the text holds `${` at all, escaped or not."""
    return "${" in text


def escape(text: str) -> str:
    """Return the text in which every `${` is literal: the inverse of `parse` for plain text."""
    return text.replace("${", "$${")


def _reference(text: str, start: int) -> Ref:
    body = _BODY.match(text, start + 2)
    end = body.end() if body else start + 2
    if end >= len(text) or text[end] != "}":
        raise BadReferenceError(
            "`${` is never closed", start, end, "add `}`, or write `$${` for text"
        )
    inner = text[start + 2 : end]
    root, *path = inner.split(".")
    _check(inner, root, path, (start, end + 1))
    return Ref(root, tuple(path), start, end + 1)


def _check(inner: str, root: str, path: list[str], place: tuple[int, int]) -> None:
    if inner != inner.strip():
        raise BadReferenceError("spaces inside `${...}`", *place, f"write `${{{inner.strip()}}}`")
    if not inner:
        raise BadReferenceError("`${}` is empty", *place, "write `$${}` for text")
    if root not in ROOTS:
        raise BadReferenceError(f"unknown reference `${{{inner}}}`", *place, _root_help(root))
    known = ROOTS[root]
    if len(path) < known.segments or not all(map(_NAME.match, path)):
        raise BadReferenceError(
            f"incomplete reference `${{{inner}}}`", *place, f"write {known.form}"
        )
    if known.fields and (len(path) > 1 or path[0] not in known.fields):
        remedy = "expected: " + " or ".join(f"`${{{root}.{field}}}`" for field in known.fields)
        raise BadReferenceError(f"unknown reference `${{{inner}}}`", *place, remedy)


def _root_help(root: str) -> str:
    from dagfactory.diagnostics.wording import closest

    near = closest(root, ROOTS, 1)
    if near:
        return f"did you mean `{ROOTS[near[0]].form}`?"
    return (
        "expected: " + ", ".join(f"`{each.form}`" for each in ROOTS.values()) + "; `$${` for text"
    )
