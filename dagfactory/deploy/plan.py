"""The plan of a sync: what to write and what to delete, decided from data alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dagfactory.compiler.bundle.bundle import IGNORE, MANIFEST, Bundle
from dagfactory.deploy.manifest import Remote, encode, in_runtime, parse, successor
from dagfactory.deploy.stores import NEW, Item

FEW = 3
SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Write:
    """A file to write in place of a generation (NEW: there is none)."""

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


def plan(bundle: Bundle, listing: dict[str, Item], remote_manifest: bytes | None) -> SyncPlan:
    """Plan how the files of a listing become a bundle.

    `remote_manifest` is the content of the listing's manifest, None when it lists none.
    """
    if not bundle.dags:
        return SyncPlan(refused=("the bundle has no DAG file; a sync never empties a destination",))
    old = Remote() if remote_manifest is None else parse(remote_manifest)
    if old is None:
        return SyncPlan(refused=(_foreign(MANIFEST, "is not a manifest that this version wrote"),))
    made = json.loads(bundle.manifest)
    data = successor(made, old, listing)
    stale = _stale(data["files"], listing, old)
    removed = {each.path: each.generation for each in stale}
    files = {path: content for path, content in bundle.files.items() if path != MANIFEST}
    if data != old.data:  # where they agree, what is stale was announced already
        files[MANIFEST] = encode(data, removed)
    writes = tuple(sorted(_writes(files, listing), key=_order))
    return SyncPlan(
        writes=writes,
        deletes=stale,
        refused=tuple(_refusals(writes, listing, old)),
        confirm=tuple(_confirmations(made["environment"], stale, old)),
    )


def of_some_specs(plan: SyncPlan) -> SyncPlan:
    """Return the plan of a bundle that was made from single specs: removals need a yes."""
    gone = [each.path for each in plan.deletes if not in_runtime(each.path)]
    if not gone:
        return plan
    reason = f"only some specs were named, and {', '.join(gone)} would be deleted"
    return replace(plan, confirm=(*plan.confirm, reason))


def phase(path: str) -> int:
    """Return when a file is written: what others need comes before them, the manifest last."""
    if in_runtime(path):
        return 0
    return {IGNORE: 2, MANIFEST: 3}.get(path, 1)


def _order(write: Write) -> tuple[int, str]:
    return phase(write.path), write.path


def _writes(files: dict[str, bytes], listing: dict[str, Item]) -> Iterator[Write]:
    """Yield the files that are absent or of another content."""
    for path, content in files.items():
        item = listing.get(path)
        if item is None:
            yield Write(path, content)
        elif not item.holds(content):
            yield Write(path, content, item.generation)


def _stale(wanted: dict[str, object], listing: dict[str, Item], old: Remote) -> tuple[Delete, ...]:
    """Return the files of ours that are listed and not wanted any more."""
    return tuple(
        Delete(path, item.generation, item.size)
        for path, item in sorted(listing.items())
        if path not in wanted and old.owns(path, item)
    )


def _refusals(writes: tuple[Write, ...], listing: dict[str, Item], old: Remote) -> Iterator[str]:
    """Yield a reason for each file of somebody else that stands where ours should go."""
    for write in writes:
        item = listing.get(write.path)
        if item and write.path != MANIFEST and not old.owns(write.path, item):
            yield _foreign(write.path, "is there already, and no sync of ours wrote it")


def _foreign(path: str, why: str) -> str:
    return f"{path} {why}; move or delete it (it may be left from an interrupted sync)"


def _confirmations(environment: str, stale: tuple[Delete, ...], old: Remote) -> Iterator[str]:
    if old.environment not in ("", environment):
        yield f"the destination belongs to environment `{old.environment}`, not `{environment}`"
    gone = sum(not in_runtime(each.path) for each in stale)
    owned = sum(not in_runtime(path) for path in old.files)
    if gone > max(FEW, SHARE * owned):
        yield f"{gone} of {owned} files would be deleted"
