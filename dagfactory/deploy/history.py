"""The history of a destination: numbered versions and their files by hash, beside the DAGs.

A version is written before the manifest that it stands for, so that no deploy lacks its version. The
last one may therefore belong to a sync that was cut off: it is in force only while the destination
holds the manifest that it names, and the next sync writes its own in place of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle, safe
from dagfactory.deploy import parallel
from dagfactory.deploy.errors import DestinationChangedError, RefusedError
from dagfactory.deploy.saved_plan import bundle_hashes
from dagfactory.deploy.stores import NEW, Store, StoredFile

KEPT = 50
"""Versions that stay; files that none of them names are deleted."""

_VERSION = re.compile(r"versions/(\d{6})\.json")
_BLOB = re.compile(r"blobs/([0-9a-f]{64})")

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Changes(BaseModel):
    """What a sync did to the destination, by path."""

    model_config = ConfigDict(strict=True, frozen=True)
    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []

    def summary(self) -> str:
        """Return it as a few words."""
        counts = {name: len(paths) for name, paths in self if paths}
        return ", ".join(f"{number} {name}" for name, number in counts.items()) or "no file"


class Version(BaseModel):
    """One version: what a sync brought, who ran it, from which commit and when.

    `files` are those of its bundle; `manifest` is the hash of the manifest at the destination, which
    may name more. `rolled_back` is the version that a rollback went to, 0 for a sync.
    """

    model_config = ConfigDict(strict=True, frozen=True)
    format: Literal[1] = 1
    version: int
    at: str
    who: str
    commit: str
    environment: str
    rolled_back: int = 0
    plan: str = ""
    changes: Changes = Changes()
    manifest: Hash
    files: dict[str, Hash]


@dataclass(frozen=True, slots=True)
class Found:
    """What is there: versions by number, files by hash."""

    versions: dict[int, StoredFile]
    blobs: dict[str, StoredFile]


class History:
    """The history that a store holds."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def look(self) -> Found:
        """List the history."""
        versions, blobs = {}, {}
        for path, item in self.store.listing().items():
            if match := _VERSION.fullmatch(path):
                versions[int(match[1])] = item
            elif match := _BLOB.fullmatch(path):
                blobs[match[1]] = item
        return Found(dict(sorted(versions.items())), blobs)

    def read(self, number: int, item: StoredFile) -> Version:
        """Read a version; raises RefusedError for a file that is not one."""
        path = _path(number)
        content = self.store.read(path, generation=item.generation)
        try:
            version = Version.model_validate_json(content)
        except (ValidationError, RecursionError):
            version = None
        if version is None or version.version != number or not all(map(safe, version.files)):
            raise RefusedError(f"{self.store.address}/{path} is not a version of a history")
        return version

    def read_all(self, found: Found) -> list[Version]:
        """Read all versions, the oldest first."""
        return parallel.in_parallel(partial(self.read, *each) for each in found.versions.items())

    def bundle(self, version: Version) -> Bundle:
        """Return the files of a version; raises RefusedError where one is gone or another."""
        found = self.look().blobs
        fetch = partial(self._fetch, found)
        contents = parallel.in_parallel(partial(fetch, each) for each in version.files.values())
        files = dict(zip(version.files, contents, strict=True))
        if MANIFEST not in files:
            raise RefusedError(f"version {version.version} names no {MANIFEST}")
        return Bundle(files)

    def keep(self, bundle: Bundle, found: Found) -> dict[str, str]:
        """Bring the files of a bundle that are not there yet; return path → hash."""
        hashes = bundle_hashes(bundle)
        contents = {hashes[path]: content for path, content in bundle.files.items()}
        parallel.in_parallel(
            partial(self.store.write, _blob(digest), content, generation=NEW)
            for digest, content in contents.items()
            if digest not in found.blobs
        )
        return hashes

    def number(self, found: Found, manifest: bytes | None) -> int:
        """Return the next version's number: that of the last one where its sync was cut off."""
        if not found.versions:
            return 1
        last, item = list(found.versions.items())[-1]
        try:
            version = self.read(last, item)
        except DestinationChangedError:
            raise
        except RefusedError:  # somebody else's: it stays
            return last + 1
        return last + in_force(version, manifest)

    def write(self, version: Version, found: Found) -> None:
        """Write a version, in place of one whose sync was cut off."""
        item = found.versions.get(version.version)
        text = json.dumps(version.model_dump(), indent=2, sort_keys=True, ensure_ascii=True)
        path = _path(version.version)
        generation = item.generation if item else NEW
        self.store.write(path, f"{text}\n".encode(), generation=generation)

    def prune(self) -> None:
        """Delete the versions before the last ones, then the files that no version names any more."""
        found = self.look()
        old = list(found.versions)[:-KEPT]
        if not old:
            return
        kept = Found({n: each for n, each in found.versions.items() if n not in old}, found.blobs)
        named = {digest for each in self.read_all(kept) for digest in each.files.values()}
        # versions first: none may name what is gone already
        self._delete({_path(number): found.versions[number] for number in old})
        self._delete({_blob(d): item for d, item in found.blobs.items() if d not in named})

    def _delete(self, items: Mapping[str, StoredFile]) -> None:
        parallel.in_parallel(
            partial(self.store.delete, path, generation=item.generation)
            for path, item in items.items()
        )

    def _fetch(self, found: Mapping[str, StoredFile], digest: str) -> bytes:
        place = f"{self.store.address}/{_blob(digest)}"
        if digest not in found:
            raise RefusedError(f"{place} is gone")
        try:
            content = self.store.read(_blob(digest), generation=found[digest].generation)
        except DestinationChangedError:
            raise RefusedError(f"{place} is gone") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise RefusedError(f"{place} does not hold what its name says")
        return content


def in_force(version: Version, manifest: bytes | None) -> bool:
    """Return whether the destination holds the manifest of a version."""
    return manifest is not None and hashlib.sha256(manifest).hexdigest() == version.manifest


def _path(number: int) -> str:
    return f"versions/{number:06}.json"


def _blob(digest: str) -> str:
    return f"blobs/{digest}"
