"""Wait for specs, and the code beside them, to change, by the times and sizes of their files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dagfactory.project.specs import project_of, yaml_files

PAUSE = 0.5
"""Seconds between two polls."""

_CODE = (
    ".py",
    ".sql",
    ".txt",
)  # what specs name beside themselves: programs, queries, requirements
_NOT_OURS = frozenset({"__pycache__", "node_modules", "site-packages"})


def changes(
    paths: tuple[Path, ...], pause: Callable[[float], object] = time.sleep
) -> Iterator[None]:
    """Yield once at the beginning and after each change of a spec, or of code in the project of one.

    Specs are the YAML files beside or below `paths`.
    """
    seen: dict[Path, tuple[int, int]] | None = None
    while True:
        now = _state(paths)
        if now != seen:
            seen = now
            yield
        pause(PAUSE)


def _state(paths: tuple[Path, ...]) -> dict[Path, tuple[int, int]]:
    folders = {path if path.is_dir() else path.parent for path in paths}
    found = {each for folder in folders for each in yaml_files(folder)}
    projects = {project_of(folder / "spec.yaml").folders[-1] for folder in folders}
    found |= {each for project in projects for each in _code_files(project)}
    return {path: each for path in found if (each := _stamp(path))}


def _code_files(project: Path) -> Iterator[Path]:
    """Yield the files of a project that a spec may name; those of installed libraries are not."""
    for top, inner, names in os.walk(project):
        inner[:] = [each for each in inner if each[0] != "." and each not in _NOT_OURS]
        yield from (Path(top, name) for name in names if name.endswith(_CODE) and name[0] != ".")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:  # deleted between the listing and this call
        return None
    return state.st_mtime_ns, state.st_size
