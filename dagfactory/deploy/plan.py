"""The plan of a sync: what to write and what to delete, decided from data alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from dagfactory.compiler.bundle.bundle import IGNORE, MANIFEST, Bundle, entry, ignore_file
from dagfactory.compiler.bundle.plan_paths import FOLDER
from dagfactory.deploy.manifest import RemoteManifest, encode, parse, successor
from dagfactory.deploy.stores import NEW, StoredFile
from dagfactory.project.content_name import kind_of

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

    `confirm` holds the reasons for which a person has to agree first. `left` are files of ours that no
    manifest and no bundle names: a sync was cut off that had written them, or is at work now. `before`
    is the manifest that is there, `generation` its generation.
    """

    writes: tuple[Write, ...] = ()
    deletes: tuple[Delete, ...] = ()
    refused: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    left: tuple[Delete, ...] = ()
    before: bytes | None = None
    generation: int | None = None

    def __bool__(self) -> bool:
        return bool(self.writes or self.deletes)

    @property
    def state(self) -> str:
        """Return a hash of what this plan found where it writes and deletes."""
        touched: tuple[Write | Delete, ...] = (*self.writes, *self.deletes)
        found = sorted((each.path, each.generation) for each in touched)
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def plan(
    bundle: Bundle,
    listing: dict[str, StoredFile],
    remote_manifest: bytes | None,
    *,
    remove_left: bool = False,
    rolled_back: int = 0,
) -> SyncPlan:
    """Plan how the files of a listing become a bundle.

    `remote_manifest` is the content of the listing's manifest, None when it lists none. With
    `remove_left`, files of ours that no manifest names are deleted as well. `rolled_back` is the version
    that the bundle comes from, 0 for one of a commit.
    """
    if not bundle.dags:
        return SyncPlan(refused=("the bundle has no DAG file; a sync never empties a destination",))
    there = listing.get(MANIFEST)
    old = RemoteManifest() if remote_manifest is None else parse(remote_manifest)
    if old is None:
        return SyncPlan(refused=(_foreign(MANIFEST, "is not a manifest that this version wrote"),))
    made = json.loads(bundle.manifest) | ({"rolled_back": rolled_back} if rolled_back else {})
    data = successor(made, old, listing)
    # what stays for those who began with it must not be looked through for DAGs
    files = bundle.files | {IGNORE: ignore_file(data["files"])}
    data["files"][IGNORE] = entry(files[IGNORE])
    del files[MANIFEST]
    unwanted = {path: item for path, item in listing.items() if path not in data["files"]}
    gone, left = _deletes(unwanted, old), _left(unwanted, old)
    deletes = tuple(sorted(gone + left, key=_path)) if remove_left else gone
    writes = tuple(sorted(_writes(files, listing, old), key=_order))
    commit = _commit(data, writes, deletes, old, there)
    return SyncPlan(
        writes=writes + commit,
        deletes=deletes,
        refused=tuple(_refusals(writes, listing, old)),
        # where nothing changes, nobody has to agree
        confirm=tuple(_confirmations(made, gone, old)) if commit or deletes else (),
        left=() if remove_left else left,
        before=remote_manifest,
        generation=there.generation if there else None,
    )


def confirm_removals(plan: SyncPlan) -> SyncPlan:
    """Return the plan of a bundle of single specs, where removals need a confirmation."""
    # `sync specs/a.yaml` may mean "only this one", or be a slip that would remove all the others.
    gone = [each.path for each in plan.deletes if _counts(each.path)]
    if not gone:
        return plan
    reason = f"only some specs were named, and {', '.join(gone)} would be deleted"
    return replace(plan, confirm=(*plan.confirm, reason))


def phase(path: str) -> int:
    """Return the phase in which a file is written: what DAGs import first, the manifest last."""
    if kind_of(path):
        return 0
    if path.startswith(FOLDER):
        return 2
    return {IGNORE: 2, MANIFEST: 3}.get(path, 1)


def _order(write: Write) -> tuple[int, str]:
    return phase(write.path), write.path


def _path(item: Delete) -> str:
    return item.path


def _writes(
    files: dict[str, bytes], listing: dict[str, StoredFile], old: RemoteManifest
) -> Iterator[Write]:
    """Yield the files that are absent, of another content, or about to be deleted."""
    for path, content in files.items():
        item = listing.get(path)
        if item is None:
            yield Write(path, content)
        # the deletion that an earlier sync has announced fails once the generation is another
        elif not item.has_content(content) or old.is_going(path, item):
            yield Write(path, content, item.generation)


def _commit(
    data: dict[str, Any],
    writes: tuple[Write, ...],
    deletes: tuple[Delete, ...],
    old: RemoteManifest,
    item: StoredFile | None,
) -> tuple[Write, ...]:
    """Return the write of the manifest, unless the one that is there says what is done already."""
    # It is written again whatever it holds: of two syncs that started from one manifest, only one
    # then commits. Deletions that it has announced are safe without: they name a generation.
    removed = {each.path: each.generation for each in deletes}
    # a commit that holds just what the destination was rolled back to changes nothing
    there = {key: value for key, value in old.data.items() if key in data or key != "rolled_back"}
    if not writes and data == there and removed.items() <= old.removed.items():
        return ()
    return (Write(MANIFEST, encode(data, removed), item.generation if item else NEW),)


def _deletes(unwanted: dict[str, StoredFile], old: RemoteManifest) -> tuple[Delete, ...]:
    """Return the deletions of files that the last manifest names and the bundle does not hold."""
    return tuple(
        Delete(path, item.generation, item.size)
        for path, item in sorted(unwanted.items())
        if old.owns(path, item)
    )


def _left(unwanted: dict[str, StoredFile], old: RemoteManifest) -> tuple[Delete, ...]:
    """Return the deletions of files that a sync wrote and no manifest names."""
    return tuple(
        Delete(path, item.generation, item.size)
        for path, item in sorted(unwanted.items())
        if path != MANIFEST and not old.owns(path, item) and item.is_marked()
    )


def _refusals(
    writes: tuple[Write, ...], listing: dict[str, StoredFile], old: RemoteManifest
) -> Iterator[str]:
    """Yield a reason for each file of somebody else that has the path of one of ours."""
    for write in writes:
        item = listing.get(write.path)
        if item and not old.owns(write.path, item) and not item.is_marked():
            yield _foreign(write.path, "is there already, and no sync of ours wrote it")


def _foreign(path: str, why: str) -> str:
    return f"{path} {why}; move or delete it (it may be left from an interrupted sync)"


def _confirmations(
    made: dict[str, Any], deletes: tuple[Delete, ...], old: RemoteManifest
) -> Iterator[str]:
    environment = made["environment"]
    if old.environment not in ("", environment):
        yield f"the destination belongs to environment `{old.environment}`, not `{environment}`"
    # a pipeline of CI would otherwise undo, with the next commit, what a person did in a hurry
    if old.rolled_back and "rolled_back" not in made:
        yield f"the destination is rolled back to version {old.rolled_back}"
    gone = sum(_counts(each.path) for each in deletes)
    owned = sum(map(_counts, old.files))
    if gone > max(FREE_DELETIONS, FREE_SHARE * owned):
        yield f"{gone} of {owned} files would be deleted"


def _counts(path: str) -> bool:
    """Whether a deletion of the file is one that somebody may not have meant."""
    # folders named after their content go by themselves, one for each that is new, and plans with their DAGs
    return not kind_of(path) and not path.startswith(FOLDER)
