"""The plan of a sync: what to write and what to delete, decided from data alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dagfactory.compiler.bundle.bundle import IGNORE, MANIFEST, Bundle, entry, ignore_file
from dagfactory.deploy.manifest import RemoteManifest, encode, named_by_content, parse, successor
from dagfactory.deploy.stores import NEW, StoredFile

FREE_DELETIONS = 3
FREE_SHARE = 0.2
"""Up to the larger of the two, a number of files and a share of ours, deletions are not asked about."""


@dataclass(frozen=True, slots=True)
class Write:
    """A file to write in place of a generation (NEW: the file must not exist)."""

    path: str
    content: bytes
    generation: int = NEW


@dataclass(frozen=True, slots=True)
class Delete:
    """A generation of a file to delete, with its size in bytes."""

    path: str
    generation: int
    size: int


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a sync does, in its order. Nothing is done while `refused` holds a reason.

    `confirm` holds the reasons for which a person has to agree first.
    """

    writes: tuple[Write, ...] = ()
    deletes: tuple[Delete, ...] = ()
    refused: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.writes or self.deletes)


def plan(bundle: Bundle, listing: dict[str, StoredFile], remote_manifest: bytes | None) -> SyncPlan:
    """Plan how the files of a listing become a bundle.

    `remote_manifest` is the content of the listing's manifest, None when it lists none.
    """
    if not bundle.dags:
        return SyncPlan(refused=("the bundle has no DAG file; a sync never empties a destination",))
    old = RemoteManifest() if remote_manifest is None else parse(remote_manifest)
    if old is None:
        return SyncPlan(refused=(_foreign(MANIFEST, "is not a manifest that this version wrote"),))
    made = json.loads(bundle.manifest)
    data = successor(made, old, listing)
    # what stays for those who began with it must not be looked through for DAGs
    files = bundle.files | {IGNORE: ignore_file(data["files"])}
    data["files"][IGNORE] = entry(files[IGNORE])
    deletes = _deletes(data["files"], listing, old)
    removed = {each.path: each.generation for each in deletes}
    del files[MANIFEST]
    # Where the two agree, the deletions were announced by the sync that was cut off: writing the
    # manifest again would change nothing.
    if data != old.data:
        files[MANIFEST] = encode(data, removed)
    writes = tuple(sorted(_writes(files, listing), key=_order))
    return SyncPlan(
        writes=writes,
        deletes=deletes,
        refused=tuple(_refusals(writes, listing, old)),
        confirm=tuple(_confirmations(made["environment"], deletes, old)),
    )


def confirm_removals(plan: SyncPlan) -> SyncPlan:
    """Return the plan of a bundle of single specs, where removals need a confirmation."""
    # `sync specs/a.yaml` may mean "only this one", or be a slip that would remove all the others.
    gone = [each.path for each in plan.deletes if not named_by_content(each.path)]
    if not gone:
        return plan
    reason = f"only some specs were named, and {', '.join(gone)} would be deleted"
    return replace(plan, confirm=(*plan.confirm, reason))


def phase(path: str) -> int:
    """Return the phase in which a file is written: what DAGs import first, the manifest last."""
    if named_by_content(path):
        return 0
    return {IGNORE: 2, MANIFEST: 3}.get(path, 1)


def _order(write: Write) -> tuple[int, str]:
    return phase(write.path), write.path


def _writes(files: dict[str, bytes], listing: dict[str, StoredFile]) -> Iterator[Write]:
    """Yield the files that are absent or of another content."""
    for path, content in files.items():
        item = listing.get(path)
        if item is None:
            yield Write(path, content)
        elif not item.has_content(content):
            yield Write(path, content, item.generation)


def _deletes(
    wanted: dict[str, object], listing: dict[str, StoredFile], old: RemoteManifest
) -> tuple[Delete, ...]:
    """Return the deletions of our files that the bundle does not hold any more."""
    return tuple(
        Delete(path, item.generation, item.size)
        for path, item in sorted(listing.items())
        if path not in wanted and old.owns(path, item)
    )


def _refusals(
    writes: tuple[Write, ...], listing: dict[str, StoredFile], old: RemoteManifest
) -> Iterator[str]:
    """Yield a reason for each file of somebody else that has the path of one of ours."""
    for write in writes:
        item = listing.get(write.path)
        if item and write.path != MANIFEST and not old.owns(write.path, item):
            yield _foreign(write.path, "is there already, and no sync of ours wrote it")


def _foreign(path: str, why: str) -> str:
    return f"{path} {why}; move or delete it (it may be left from an interrupted sync)"


def _confirmations(
    environment: str, deletes: tuple[Delete, ...], old: RemoteManifest
) -> Iterator[str]:
    if old.environment not in ("", environment):
        yield f"the destination belongs to environment `{old.environment}`, not `{environment}`"
    # Folders named after their content do not count: they go by themselves, one for each that is new.
    gone = sum(not named_by_content(each.path) for each in deletes)
    owned = sum(not named_by_content(path) for path in old.files)
    if gone > max(FREE_DELETIONS, FREE_SHARE * owned):
        yield f"{gone} of {owned} files would be deleted"
