"""The manifest at the destination: which files are ours there, and what the next manifest says.

It is the bundle's manifest with more keys. `previous_runtime` names the runtime package before this
one, whose files stay until the runtime changes again; `previous_code` does so for code. `removed`
maps the paths that the sync deletes after writing this manifest to their generations. `rolled_back`
is the version that a rollback went to, until a commit is synced again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dagfactory.compiler.bundle.bundle import MANIFEST, safe
from dagfactory.deploy.stores import StoredFile
from dagfactory.project.content_name import kind_of, prefix

REPLACED = ("runtime", "code")
"""Keys of the manifest that name a folder after its content, of which the one before stays."""


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """The manifest at the destination. `data` is its whole content without `removed`."""

    environment: str = ""
    folders: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    rolled_back: int = 0
    data: dict[str, Any] = field(default_factory=dict)

    def owns(self, path: str, item: StoredFile) -> bool:
        """Return whether a listed file is ours to change or to delete."""
        # A file of `removed` is one that a sync was cut off before deleting: it is ours in the
        # generation that was listed then, and somebody else's in any other.
        return path in self.files or self.is_going(path, item)

    def is_going(self, path: str, item: StoredFile) -> bool:
        """Return whether a sync has said that it deletes this generation; it may be about to."""
        return self.removed.get(path) == item.generation


def _ours(path: str) -> str:
    if not safe(path) or path == MANIFEST:
        raise ValueError("not a path of a bundle")
    return path


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True)
    sha256: str
    bytes: int


class _Manifest(BaseModel):
    """What a manifest of ours holds, at least."""

    model_config = ConfigDict(strict=True)
    schema_version: Literal[1]
    generator: Annotated[str, Field(pattern="^dagfactory")]
    environment: str
    runtime: str
    previous_runtime: str = ""
    code: str = ""
    previous_code: str = ""
    files: dict[Annotated[str, AfterValidator(_ours)], _Entry]
    removed: dict[Annotated[str, AfterValidator(_ours)], int] = {}
    rolled_back: int = 0


def parse(content: bytes) -> RemoteManifest | None:
    """Read a manifest; None for a file that is not one of ours or has a later schema."""
    # whoever may write to the bucket may have written this file
    try:
        data = json.loads(content, object_pairs_hook=_unique)
        checked = _Manifest.model_validate(data)
    except (ValueError, RecursionError):
        return None
    data.pop("removed", None)
    return RemoteManifest(
        environment=checked.environment,
        folders={
            key: _folder(getattr(checked, key))
            for kind in REPLACED
            for key in (kind, f"previous_{kind}")
        },
        files={path: entry.model_dump() for path, entry in checked.files.items()},
        removed=checked.removed,
        rolled_back=checked.rolled_back,
        data=data,
    )


def successor(
    made: dict[str, Any], old: RemoteManifest, listing: dict[str, StoredFile]
) -> dict[str, Any]:
    """Return the manifest that follows `old` when a bundle's manifest `made` is applied."""
    # Tasks that have started import the runtime of the DAG file they began with, so one package before
    # the current one stays. A sync without a new runtime keeps the one that is kept already.
    previous = {kind: _previous(kind, made, old) for kind in REPLACED}
    # A job that waits for its machine, or restarts days later, installs its package then.
    stay = (*(f"{name}/" for name in previous.values() if name), prefix("package"))
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON whose names are all different."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _folder(name: str) -> str:
    return name if kind_of(name) and "/" not in name else ""
