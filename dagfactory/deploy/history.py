"""The history of a destination: numbered versions and their files by hash, beside the DAGs.

A version is written before the manifest that it stands for, so that no deploy lacks its version. One
may therefore belong to a sync that was cut off: in force is the version whose manifest the destination
holds, and before it was the one whose manifest that version replaced.
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
    may name more, `replaces` of the one before, empty for none. `rolled_back` is the version that a
    rollback went to, 0 for a sync.
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
    replaces: str = ""
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
            partial(self.store.write, _blob(each), content, generation=NEW)
            for each, content in contents.items()
            if each not in found.blobs
        )
        return hashes

    def write(self, version: Version) -> None:
        """Write a new version."""
        text = json.dumps(version.model_dump(), indent=2, sort_keys=True, ensure_ascii=True)
        self.store.write(_path(version.version), f"{text}\n".encode(), generation=NEW)

    def prune(self) -> None:
        """Delete the versions before the last ones, then the files that no version names any more."""
        found = self.look()
        old = list(found.versions)[:-KEPT]
        if not old:
            return
        kept = Found({n: each for n, each in found.versions.items() if n not in old}, found.blobs)
        named = {name for each in self.read_all(kept) for name in each.files.values()}
        # versions first: none may name what is gone already
        self._delete({_path(number): found.versions[number] for number in old})
        self._delete({_blob(name): item for name, item in found.blobs.items() if name not in named})

    def _delete(self, items: Mapping[str, StoredFile]) -> None:
        parallel.in_parallel(
            partial(self.store.delete, path, generation=item.generation)
            for path, item in items.items()
        )

    def _fetch(self, found: Mapping[str, StoredFile], name: str) -> bytes:
        place = f"{self.store.address}/{_blob(name)}"
        if name not in found:
            raise RefusedError(f"{place} is gone")
        try:
            content = self.store.read(_blob(name), generation=found[name].generation)
        except DestinationChangedError:
            raise RefusedError(f"{place} is gone") from None
        if hashlib.sha256(content).hexdigest() != name:
            raise RefusedError(f"{place} does not hold what its name says")
        return content


def deployed(versions: list[Version], manifest: bytes | None) -> list[int]:
    """Return the versions that were in force, the one that is in force now first.

    Of a manifest that no version stands for, nothing is known.
    """
    wanted, found = digest(manifest), []
    for each in sorted(versions, key=lambda version: version.version, reverse=True):
        if each.manifest == wanted:
            found.append(each.version)
            wanted = each.replaces
    return found


def digest(manifest: bytes | None) -> str:
    """Return the hash by which a version names a manifest; empty for none."""
    return "" if manifest is None else hashlib.sha256(manifest).hexdigest()


def _path(number: int) -> str:
    return f"versions/{number:06}.json"


def _blob(name: str) -> str:
    return f"blobs/{name}"
