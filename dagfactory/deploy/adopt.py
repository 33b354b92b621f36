"""The first version of a destination that was synced before there was a history: what is there."""

from __future__ import annotations

import hashlib
from functools import partial

from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle
from dagfactory.deploy import parallel
from dagfactory.deploy.history import History, Version, digest
from dagfactory.deploy.manifest import RemoteManifest, encode, parse
from dagfactory.deploy.stores import Store

FOUND = "before the history"


def adopt(store: Store, history: History, manifest: bytes | None, at: str) -> None:
    """Make a version of what is at a destination; none where it is not what its manifest says."""
    old = parse(manifest) if manifest else None
    files = _files(old, store) if old else None
    if old is None or files is None:
        return
    bundle = Bundle({**files, MANIFEST: encode(old.data, {})})
    version = Version(
        version=1,
        at=at,
        who=FOUND,
        commit="",
        environment=old.environment,
        manifest=digest(manifest),
        files=history.keep(bundle, history.look()),
    )
    history.write(version)


def _files(old: RemoteManifest, store: Store) -> dict[str, bytes] | None:
    """Read all that a manifest names; None where a file is gone or another."""
    listing = store.listing()
    if not old.files.keys() <= listing.keys():
        return None
    contents = parallel.in_parallel(
        partial(store.read, path, generation=listing[path].generation) for path in old.files
    )
    files = dict(zip(old.files, contents, strict=True))
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    whole = all(sums[path] == entry["sha256"] for path, entry in old.files.items())
    return files if whole else None
