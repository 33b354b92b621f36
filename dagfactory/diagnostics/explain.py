"""The sections of docs/errors.md, one per code, and those of docs/language.md about a key or a type."""

from __future__ import annotations

import re
from pathlib import Path

import dagfactory
from dagfactory.diagnostics.diagnostic import CODES, DagfactoryError

_HEADING = re.compile(r"^## (DF\d{3})\b", re.MULTILINE)
_KEY = re.compile(r"^### `(\w+)`(?: .*)?$", re.MULTILINE)
_ANY = re.compile(r"^##", re.MULTILINE)


def explanation(code: str) -> str:
    """Return the section of a code, its name, a key or a type; raises DagfactoryError for another word."""
    names = {each.name: known for known, each in CODES.items()}
    wanted = names.get(code.lower(), code.upper())
    if wanted not in CODES:
        keys = of_the_language()
        if code.lower() in keys:
            return keys[code.lower()]
        raise DagfactoryError(f"no code `{code}`; {_advice(code, [*CODES, *names, *keys])}")
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
    path = document("errors.md")
    if path is None:
        return {}
    _, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return {code: f"## {code}{text.rstrip()}\n" for code, text in pairs}


def of_the_language() -> dict[str, str]:
    """Return the sections of docs/language.md by the key or the type of task that each is about."""
    path = document("language.md")
    text = path.read_text(encoding="utf-8") if path else ""
    found: dict[str, str] = {}
    for each in _KEY.finditer(text):
        end = _ANY.search(text, each.end())
        section = text[each.start() : end.start() if end else None].rstrip()
        found[each[1]] = found[each[1]] + f"\n\n{section}\n" if each[1] in found else f"{section}\n"
    return found


def document(name: str) -> Path | None:
    """Return a page of docs/: packed beside the modules, or that of the repository."""
    package = Path(dagfactory.__file__).parent
    places = (package / "_docs" / name, package.parent / "docs" / name)
    return next((each for each in places if each.is_file()), None)
