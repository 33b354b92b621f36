"""What comes with the compiler: the runtime, byte for byte under a name made from its content."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files

DIGITS = 12
RUNTIME = re.compile(r"dagfactory_runtime_[0-9a-f]+")


@cache
def runtime_files() -> dict[str, bytes]:
    """Return the runtime's Python files by name, sorted."""
    folder = files("dagfactory").joinpath("runtime")
    # sorted, for the order in a directory is the file system's and the hash follows it
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".py"))
    return {name: folder.joinpath(name).read_bytes() for name in names}


@cache
def runtime_name() -> str:
    """Return `dagfactory_runtime_<hash>`: equal content, equal name."""
    digest = hashlib.sha256()
    for name, content in runtime_files().items():
        # with names and lengths, or a line could move between two files and leave the name as it was
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return f"dagfactory_runtime_{digest.hexdigest()[:DIGITS]}"


def in_runtime(path: str) -> bool:
    """Return whether a path lies in a runtime package, whatever its hash."""
    return RUNTIME.fullmatch(path.partition("/")[0]) is not None
