"""Stores: where bundles go. One module per store, found by listing this package.

A module defines `SCHEME`, the beginning of the destinations it serves, and `connect(destination)`,
which returns a Store. Client libraries are imported inside `connect`.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from dagfactory.deploy.errors import DestinationError

NEW = 0
"""The generation of a file that does not exist."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a listing: size in bytes, base64 checksums where the store has them, generation.

    A file that is written again gets another generation.
    """

    size: int
    generation: int
    md5: str | None = None
    crc32c: str | None = None

    def holds(self, content: bytes) -> bool:
        """Say whether the file has this content; without any checksum, it has not."""
        if self.size != len(content):
            return False
        if self.md5 is not None:
            return self.md5 == md5(content)
        return self.crc32c == crc32c(content)


class Store(Protocol):
    """A folder of files with generations; paths are relative, with `/`. Threads share a store.

    Every method raises MovedError where a generation is not the expected one (`NEW`: no such file),
    RefusedError and DestinationError where the store does not answer.
    """

    @property
    def address(self) -> str:
        """The destination as a person writes it, without a final slash."""

    def listing(self) -> dict[str, Item]:
        """Return every file below the destination."""

    def read(self, path: str, *, generation: int) -> bytes:
        """Return the content of one generation of a file."""

    def write(self, path: str, content: bytes, *, generation: int) -> None:
        """Replace a generation of a file, whole or not at all. It may hold the content already."""

    def delete(self, path: str, *, generation: int) -> None:
        """Delete a generation of a file. It may be gone already."""


class Module(Protocol):
    """The interface of a module of this package."""

    SCHEME: str

    def connect(self, destination: str) -> Store:
        """Return the store of a destination; raises DestinationError for an unusable one."""


def open_store(destination: str) -> Store:
    """Return the store of a destination such as `gs://BUCKET/dags/PREFIX` or a folder."""
    names = sorted(each.stem for each in Path(__file__).parent.glob("*.py"))
    modules = [cast("Module", import_module(f"{__name__}.{n}")) for n in names if n[0] != "_"]
    scheme = destination.partition("://")[0] + "://" if "://" in destination else ""
    for module in modules:
        if scheme == module.SCHEME:
            return module.connect(destination)
    known = " or ".join(module.SCHEME or "a folder" for module in modules)
    raise DestinationError(f"cannot sync to `{scheme}`; write {known}")


def md5(content: bytes) -> str:
    """Return the base64 MD5 of a content, the form of Cloud Storage's `md5Hash`."""
    digest = hashlib.md5(content, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def crc32c(content: bytes) -> str:
    """Return the base64 CRC32C; only composite objects, which have no MD5, are compared by it."""
    checksum = import_module("google_crc32c").Checksum(content)
    return base64.b64encode(checksum.digest()).decode()
