"""What a destination holds: its manifest, and the plans there that differ from a bundle's."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.bundle.bundle import MANIFEST
from dagfactory.compiler.bundle.plan_paths import ENVIRONMENT, FOLDER, planned_pipeline
from dagfactory.deploy.apply import remote_manifest
from dagfactory.deploy.changes.document import Document, read_environment, read_pipeline
from dagfactory.deploy.manifest import RemoteManifest, parse
from dagfactory.deploy.plan import SyncPlan, plan
from dagfactory.project.files import MOST

if TYPE_CHECKING:
    from dagfactory.compiler.bundle.bundle import Bundle
    from dagfactory.deploy.stores import Store, StoredFile

_READS = 8
"""Plans that are read at a time; the client library's connection pool holds ten."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The manifest at a destination, its generation, and the plans that could be read.

    `pipelines` and `environment` hold what the manifest names and the destination has unchanged;
    a version without plans left none, and a sync that was cut off others than its manifest names.
    """

    manifest: RemoteManifest = field(default_factory=RemoteManifest)
    generation: int | None = None
    pipelines: dict[str, Document] = field(default_factory=dict)
    environment: dict[str, Any] | None = None


def look(bundle: Bundle, store: Store) -> tuple[SyncPlan, Deployed]:
    """List a destination once; return the plan of a sync, and what is deployed there."""
    listing = store.listing()
    item = listing.get(MANIFEST)
    content = remote_manifest(bundle, item, store)
    planned = plan(bundle, listing, content)
    old = RemoteManifest() if content is None else parse(content)
    if old is None:  # and the plan says so
        return planned, Deployed()
    texts = _plans(old, listing, bundle, store)
    pipelines = {
        planned_pipeline(path): found
        for path, text in texts.items()
        if planned_pipeline(path) and (found := read_pipeline(text))
    }
    environment = read_environment(texts.get(ENVIRONMENT, b""))
    return planned, Deployed(old, item.generation if item else None, pipelines, environment)


def _plans(
    old: RemoteManifest, listing: dict[str, StoredFile], bundle: Bundle, store: Store
) -> dict[str, bytes]:
    """Return the plans that a manifest names, by path; those that the bundle has as well are not read."""
    named = {path: listing[path] for path in old.files if path in listing}
    wanted = {path: item for path, item in named.items() if path.startswith(FOLDER)}
    known = {
        path: bundle.files[path]
        for path, item in wanted.items()
        if path in bundle.files and item.has_content(bundle.files[path])
    }
    rest = {path: item for path, item in wanted.items() if path not in known and item.size <= MOST}
    with ThreadPoolExecutor(_READS) as pool:
        read = pool.map(
            lambda each: store.read(each[0], generation=each[1].generation), rest.items()
        )
        found = known | dict(zip(rest, read, strict=True))
    return {path: text for path, text in found.items() if _is_named(text, old.files[path])}


def _is_named(content: bytes, entry: dict[str, Any]) -> bool:
    return bool(hashlib.sha256(content).hexdigest() == entry["sha256"])
