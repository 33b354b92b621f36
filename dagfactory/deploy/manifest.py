"""The manifest at the destination: which files are ours there, and what the next manifest says.

It is the bundle's manifest with two more keys. `previous_runtime` names the runtime package before
this one, whose files stay until the runtime changes again. `removed` maps the paths that the sync
deletes after writing this manifest to their generations.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from dagfactory.compiler.bundle.bundle import MANIFEST, safe
from dagfactory.deploy.stores import StoredFile

SCHEMA_VERSION = 1
RUNTIME = re.compile(r"dagfactory_runtime_[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """The manifest at the destination. `data` is its whole content without `removed`."""

    environment: str = ""
    runtime: str = ""
    previous_runtime: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def owns(self, path: str, item: StoredFile) -> bool:
        """Return whether a listed file is ours to change or to delete."""
        # A file of `removed` is one that a sync was cut off before deleting: it is ours in the
        # generation that was listed then, and somebody else's in any other.
        return path in self.files or self.removed.get(path) == item.generation


def parse(content: bytes) -> RemoteManifest | None:
    """Read a manifest; None for a file that is not one of ours or has a later schema."""
    # Whoever may write to the bucket may have written this file: every value is checked here, and a
    # path that leads out of the destination counts as not there.
    try:
        data = json.loads(content)
        if data["schema_version"] != SCHEMA_VERSION or not data["generator"].startswith(
            "dagfactory"
        ):
            return None
        removed = data.pop("removed", {})
        return RemoteManifest(
            environment=str(data["environment"]),
            runtime=_package(data["runtime"]),
            previous_runtime=_package(data.get("previous_runtime", "")),
            files={path: entry for path, entry in data["files"].items() if _is_ours(path)},
            removed={path: int(number) for path, number in removed.items() if _is_ours(path)},
            data=data,
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def successor(
    made: dict[str, Any], old: RemoteManifest, listing: dict[str, StoredFile]
) -> dict[str, Any]:
    """Return the manifest that follows `old` when a bundle's manifest `made` is applied."""
    # Tasks that have started import the runtime of the DAG file they began with, so one package before
    # the current one stays. A sync without a new runtime keeps the one that is kept already.
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
    """Return the bytes of a manifest, as the bundle formats its own."""
    # Without `removed` the bytes are the bundle's, and the next sync needs no second read.
    content = {**data, "removed": removed} if removed else data
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode()


def in_runtime(path: str) -> bool:
    """Return whether a path lies in a runtime package, whatever its hash."""
    return RUNTIME.fullmatch(path.partition("/")[0]) is not None


def _is_ours(path: str) -> bool:
    return safe(path) and path != MANIFEST


def _package(name: str) -> str:
    return name if RUNTIME.fullmatch(name) else ""
