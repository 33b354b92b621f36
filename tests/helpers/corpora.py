"""Where the hostile strings of the tests come from; absent corpora are skipped with a visible reason."""

from __future__ import annotations

import json

import pytest
from paths import CORPORA


def hostile_strings() -> list[str]:
    """Return every payload: naughty strings, Python injection, template injection, traversal, shell."""
    if not CORPORA.is_dir():
        pytest.skip(f"no corpora at {CORPORA}: hostile strings are not tested here")
    own = (CORPORA / "dagfactory-own/python_injection.jsonl").read_text(encoding="utf-8")
    found = [json.loads(line)["payload"] for line in own.splitlines()]
    found += json.loads((CORPORA / "blns/blns.json").read_text(encoding="utf-8"))
    for name in ("ssti.fuzz", "directory_traversal.txt", "command-execution-unix.txt"):
        text = (CORPORA / "payloads" / name).read_text(encoding="utf-8", errors="replace")
        found += text.splitlines()
    return list(dict.fromkeys(item for item in found if isinstance(item, str)))
