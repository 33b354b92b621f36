"""The manifest at the destination: what belongs to us there, and what the next one says.

It is the bundle's manifest with two keys more. `previous_runtime` names the runtime package before
this one; its files stay, and stay listed, until the runtime changes again, because a task that has
started imports it. `removed` maps the paths that were deleted right after this manifest was written
to their generations: what an interrupted sync left is still ours, but only in that generation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from dagfactory.compiler.bundle.bundle import MANIFEST, safe
from dagfactory.deploy.stores import Item

SCHEMA_VERSION = 1
RUNTIME = re.compile(r"dagfactory_runtime_[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Remote:
    """What a manifest at the destination says. `data` is all of it, `removed` left out."""

    environment: str = ""
    runtime: str = ""
    previous_runtime: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def owns(self, path: str, item: Item) -> bool:
        """Say whether a listed file is ours to change or to delete."""
        return path in self.files or self.removed.get(path) == item.generation


def parse(content: bytes) -> Remote | None:
    """Read a manifest; None for a file that is not one of ours or of a later form."""
    try:
        data = json.loads(content)
        if data["schema_version"] != SCHEMA_VERSION or not data["generator"].startswith(
            "dagfactory"
        ):
            return None
        removed = data.pop("removed", {})
        return Remote(
            environment=str(data["environment"]),
            runtime=_package(data["runtime"]),
            previous_runtime=_package(data.get("previous_runtime", "")),
            files={path: entry for path, entry in data["files"].items() if _ours(path)},
            removed={path: int(number) for path, number in removed.items() if _ours(path)},
            data=data,
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def successor(made: dict[str, Any], old: Remote, listing: dict[str, Item]) -> dict[str, Any]:
    """Return the manifest that follows `old` when a bundle's manifest `made` is applied."""
    current = made["runtime"]
    package = old.runtime if old.runtime != current else old.previous_runtime
    kept = {
        path: entry
        for path, entry in old.files.items()
        if path.startswith(f"{package}/") and path in listing
    }
    if not kept:
        return made
    return {**made, "files": {**kept, **made["files"]}, "previous_runtime": package}


def encode(data: dict[str, Any], removed: dict[str, int]) -> bytes:
    """Return a manifest's bytes, in the form of the bundle's."""
    whole = {**data, "removed": removed} if removed else data
    return (json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode()


def in_runtime(path: str) -> bool:
    """Say whether a path lies in a runtime package, of whatever content."""
    return RUNTIME.fullmatch(path.partition("/")[0]) is not None


def _ours(path: str) -> bool:
    return safe(path) and path != MANIFEST


def _package(name: str) -> str:
    return name if RUNTIME.fullmatch(name) else ""
