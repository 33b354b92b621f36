"""Values as the command-line arguments of a program, in the style that it reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

GNU = "gnu"
EXACT = 2**53
"""Below it every whole number has a float of its own."""

# What Hydra's grammar reads as one text without quotes, and what it would read as another type.
# After Hydra's documentation, "Basic Override syntax".
_BARE = re.compile(r"[\w./:@%$?|*+-]+", re.ASCII)
_TYPED = re.compile(r"true|false|null|nan|[+-]?(?:inf|\.?\d[\d_.]*(?:e[+-]?\d+)?)", re.IGNORECASE)


def as_arguments(values: Mapping[str, Any], style: str = GNU) -> list[str]:
    """Write values as arguments in order, leaving nulls out.

    ``gnu`` is ``--name=value``, ``argparse`` has bare flags and lists of several words, ``hydra`` is
    ``name=value``.
    """
    write = STYLES[style]
    return [
        text for name, value in values.items() if value is not None for text in write(name, value)
    ]


def as_words(values: Iterable[Any]) -> list[str]:
    """Write values as arguments without a name, leaving nulls out."""
    return [as_text(value) for value in values if value is not None]


def as_text(value: Any) -> str:
    """Write one value: ``true``, JSON for lists and mappings, a whole number without a fraction."""
    if isinstance(value, bool):
        return "true" if value else "false"
    # Vertex AI returns the integers of a search as floats, and `1e6` is one in YAML: a program that
    # wants an integer takes no `32.0`, and one that wants a float takes `32`.
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if isinstance(value, list | dict):
        return json.dumps(value, separators=(",", ":"), default=str)
    return str(value)


def _gnu(name: str, value: Any) -> list[str]:
    return [f"--{name}={as_text(value)}"]


def _argparse(name: str, value: Any) -> list[str]:
    """Write what ``store_true`` and ``nargs`` of argparse read."""
    match value:
        case True:
            return [f"--{name}"]
        case False:
            return []
        case list():
            return [f"--{name}", *map(as_text, value)]
    return _gnu(name, value)


def _hydra(name: str, value: Any) -> list[str]:
    return [f"{name}={_hydra_text(value)}"]


def _hydra_text(value: Any) -> str:
    match value:
        case str():
            # what a run brings in is quoted when it is there
            late = "{{" in value or "${" in value
            bare = _BARE.fullmatch(value) and not _TYPED.fullmatch(value)
            return value if late or bare else _quoted(value)
        case list():
            return f"[{','.join(map(_hydra_text, value))}]"
        case dict():
            pairs = (f"{name}:{_hydra_text(each)}" for name, each in value.items())
            return f"{{{','.join(pairs)}}}"
        case None:
            return "null"
    return as_text(value)


def _quoted(text: str) -> str:
    """Quote a text for Hydra, where a backslash is only special before a quote."""
    return "'" + re.sub(r"(\\*)('|\Z)", _before_quote, text) + "'"


def _before_quote(found: re.Match[str]) -> str:
    return found[1] * 2 + ("\\'" if found[2] else "")


STYLES: dict[str, Callable[[str, Any], list[str]]] = {
    GNU: _gnu,
    "argparse": _argparse,
    "hydra": _hydra,
}
