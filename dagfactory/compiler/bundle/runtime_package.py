"""What comes with the compiler: the runtime, byte for byte under a name made from its content."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from dagfactory.project.content_name import content_name


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
    return content_name("runtime", runtime_files())
