"""Folders of a bundle that are named after what they hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

DIGITS = 12
KINDS = ("runtime", "package", "code")
"""The runtime, a Python package for jobs, and Python for Airflow's own processes."""

_NAME = re.compile(r"dagfactory_(runtime|package|code)_[0-9a-f]+")


def kind_of(path: str) -> str:
    """Return the kind of folder named after its content that a path lies in; empty for others."""
    found = _NAME.fullmatch(path.partition("/")[0])
    return found[1] if found else ""


def prefix(kind: str) -> str:
    """Return how the names of the folders of a kind begin."""
    return f"dagfactory_{kind}_"


def content_name(kind: str, files: Mapping[str, bytes]) -> str:
    """Return `dagfactory_<kind>_<hash>`: equal content, equal name."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        # with names and lengths, or a line could move between two files and leave the name as it was
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return prefix(kind) + digest.hexdigest()[:DIGITS]
