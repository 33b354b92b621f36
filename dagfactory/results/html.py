"""One page with everything in it: it loads nothing, and runs no script but its own."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from dagfactory.results.model import Run
from dagfactory.results.page_data import page_data, title

PARTS = Path(__file__).parent / "page"
SCRIPTS = ("base", "scale", "filter", "parallel", "charts", "trials", "timeline", "page")
"""The scripts of the page, each of which uses those before it."""


def html(runs: Sequence[Run]) -> str:
    """Return the page of some runs."""
    style = _part("page.css")
    script = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    data = page_data(runs)
    values = {
        "title": escape(title(data)),
        "policy": _policy(style, script),
        "style": style,
        "data": embedded(data),
        "script": script,
    }
    page = _part("page.html")
    # each place once, and what is put in is never looked through again
    pieces = page.split("@@")
    return "".join(values[each] if n % 2 else each for n, each in enumerate(pieces))


def embedded(data: Mapping[str, Any]) -> str:
    """Return data as JSON that no browser takes for markup, whatever texts it holds."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for each in "<>&\u2028\u2029":
        text = text.replace(each, f"\\u{ord(each):04x}")
    # half a surrogate pair has no bytes
    return text.encode("utf-8", "replace").decode("utf-8")


def _policy(style: str, script: str) -> str:
    """Return the policy that allows this very style and script, and nothing else."""
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
