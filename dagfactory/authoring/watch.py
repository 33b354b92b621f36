"""Wait for specs to change, by the times and sizes of their files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dagfactory.project.specs import yaml_files

PAUSE = 0.5
"""Seconds between two polls."""


def changes(
    paths: tuple[Path, ...], pause: Callable[[float], object] = time.sleep
) -> Iterator[None]:
    """Yield once at the beginning and after each change of a YAML file beside or below `paths`."""
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
    return {path: each for path in found if (each := _stamp(path))}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:  # deleted between the listing and this call
        return None
    return state.st_mtime_ns, state.st_size
