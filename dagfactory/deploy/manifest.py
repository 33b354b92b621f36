"""The manifest at the destination: which files are ours there, and what the next manifest says.

It is the bundle's manifest with more keys. `previous_runtime` names the runtime package before this
one, whose files stay until the runtime changes again; `previous_code` does so for code. `removed`
maps the paths that the sync deletes after writing this manifest to their generations.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from dagfactory.compiler.bundle.bundle import MANIFEST, safe
from dagfactory.deploy.stores import StoredFile

SCHEMA_VERSION = 1
FOLDER = re.compile(r"dagfactory_(runtime|package|code)_[0-9a-f]+")
"""The names of folders that are named after what they hold."""

REPLACED = ("runtime", "code")
"""Keys of the manifest that name such a folder, of which the one before stays."""


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """The manifest at the destination. `data` is its whole content without `removed`."""

    environment: str = ""
    folders: dict[str, str] = field(default_factory=dict)
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
            folders={
                key: _folder(data.get(key, ""))
                for kind in REPLACED
                for key in (kind, f"previous_{kind}")
            },
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
    previous = {kind: _previous(kind, made, old) for kind in REPLACED}
    # A job that waits for its machine, or restarts days later, installs its package then.
    stay = (*(f"{name}/" for name in previous.values() if name), "dagfactory_package_")
    kept = {
        path: entry
        for path, entry in old.files.items()
        if path.startswith(stay) and path in listing and path not in made["files"]
    }
    if not kept:
        return made
    names = {
        f"previous_{kind}": name
        for kind, name in previous.items()
        if name and any(path.startswith(f"{name}/") for path in kept)
    }
    return {**made, "files": {**kept, **made["files"]}, **names}


def _previous(kind: str, made: dict[str, Any], old: RemoteManifest) -> str:
    """Return the folder of a kind that came before the bundle's own."""
    before = old.folders.get(kind, "")
    changed = before != made.get(kind, "")
    return before if changed and before else old.folders.get(f"previous_{kind}", "")


def encode(data: dict[str, Any], removed: dict[str, int]) -> bytes:
    """Return the bytes of a manifest, as the bundle formats its own."""
    # Without `removed` the bytes are the bundle's, and the next sync needs no second read.
    content = {**data, "removed": removed} if removed else data
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n").encode()


def named_by_content(path: str) -> str:
    """Return the kind of folder named after its content that a path lies in; empty for others."""
    found = FOLDER.fullmatch(path.partition("/")[0])
    return found[1] if found else ""


def _is_ours(path: str) -> bool:
    return safe(path) and path != MANIFEST


def _folder(name: str) -> str:
    return name if FOLDER.fullmatch(name) else ""
