"""The `${...}` references of a text, with their offsets.

`$${` stands for a literal `${`. Airflow's `{{ ... }}` is none of this module's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dagfactory.diagnostics.diagnostic import DagfactoryError

ROOTS: dict[str, str] = {
    "vars": "${vars.NAME}",
    "env": "${env.FIELD}",
    "run": "${run.dir}",
    "tasks": "${tasks.ID.OUTPUT}",
    "params": "${params.NAME}",
    "each": "${each}",
}
"""What a reference can start with, each with its form."""

RUN_FIELDS = ("dir", "id")
"""What `${run.…}` offers."""

_START = re.compile(r"\$(\$?)\{")
_BODY = re.compile(r"[^{}$\n]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_SEGMENTS = {"vars": 1, "env": 1, "run": 1, "tasks": 2, "params": 1, "each": 0}


@dataclass(frozen=True, slots=True)
class Ref:
    """One `${root.path}`; `start` and `end` are offsets into the text, `end` exclusive."""

    root: str
    path: tuple[str, ...]
    start: int
    end: int

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
    if len(path) < _SEGMENTS[root] or not all(map(_NAME.match, path)):
        raise BadReferenceError(
            f"incomplete reference `${{{inner}}}`", *place, f"write {ROOTS[root]}"
        )
    if root == "run" and (len(path) > 1 or path[0] not in RUN_FIELDS):
        remedy = "expected: `${run.dir}` or `${run.id}`"
        raise BadReferenceError(f"unknown reference `${{{inner}}}`", *place, remedy)


def _root_help(root: str) -> str:
    from dagfactory.diagnostics.wording import closest

    near = closest(root, ROOTS, 1)
    if near:
        return f"did you mean `{ROOTS[near[0]]}`?"
    return "expected: " + ", ".join(f"`{form}`" for form in ROOTS.values()) + "; `$${` for text"
