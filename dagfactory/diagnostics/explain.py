"""The pages of docs/errors.md, one per code."""

from __future__ import annotations

import re
from pathlib import Path

import dagfactory
from dagfactory.diagnostics.diagnostic import CODES, DagfactoryError

_HEADING = re.compile(r"^## (DF\d{3})\b", re.MULTILINE)


def explanation(code: str) -> str:
    """Return the section of a code or its name as Markdown; raises DagfactoryError for an unknown one."""
    names = {each.name: known for known, each in CODES.items()}
    wanted = names.get(code.lower(), code.upper())
    if wanted not in CODES:
        raise DagfactoryError(f"no code `{code}`; {_advice(code, [*CODES, *names])}")
    known = CODES[wanted]
    return sections().get(wanted, f"## {wanted} {known.name}\n\n{known.summary}\n")


def _advice(code: str, known: list[str]) -> str:
    """Return the codes or names that were meant, or where to find them all."""
    from dagfactory.diagnostics.wording import closest, either

    near = closest(code, known)
    return f"did you mean {either(near)}?" if near else "`dagfactory explain` lists all"


def index() -> str:
    """Return one line per code: its number, name and summary."""
    return "".join(f"{code}  {each.name:<26} {each.summary}\n" for code, each in CODES.items())


def sections() -> dict[str, str]:
    """Return the sections of docs/errors.md by code; empty where the file was not installed."""
    path = document()
    if path is None:
        return {}
    _, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {code: f"## {code}{text.rstrip()}\n" for code, text in pairs}


def document() -> Path | None:
    """Return docs/errors.md: packed beside the modules, or that of the repository."""
    package = Path(dagfactory.__file__).parent
    places = (package / "_docs" / "errors.md", package.parent / "docs" / "errors.md")
    return next((each for each in places if each.is_file()), None)
