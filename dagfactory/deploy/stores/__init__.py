"""Stores: one module per kind of destination, found by listing this package.

A module satisfies `StoreModule`, what it returns satisfies `Store`; a client library is imported inside
`connect`. It may import `deploy.errors`, the bundle's rules for paths and `project`.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from dagfactory.deploy.errors import DestinationError

NEW = 0
"""The generation of a file that does not exist."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a listing: size in bytes, base64 checksums where the store has them, generation.

    A generation is a number that changes when the file is written again, be it with the same content.
    `marked` says that a sync to this destination wrote this generation.
    """

    size: int
    generation: int
    md5: str | None = None
    crc32c: str | None = None
    marked: bool = False

    def has_content(self, content: bytes) -> bool:
        """Return whether the file has this content; False without a checksum."""
        if self.size != len(content):
            return False
        if self.md5 is not None:  # composite objects of Cloud Storage have a CRC32C only
            return self.md5 == md5(content)
        return self.crc32c == crc32c(content)

    def is_marked(self) -> bool:
        """Return whether a sync to this destination wrote the file."""
        return self.marked


class Store(Protocol):
    """A folder of files with generations; paths are relative, with `/`. Threads share a store.

    Every method raises MovedError where a generation is not the expected one (`NEW`: no such file),
    RefusedError and DestinationError where the store does not answer.
    """

    @property
    def address(self) -> str:
        """The destination as a person writes it, without a final slash."""

    def listing(self) -> dict[str, StoredFile]:
        """Return every file below the destination."""

    def read(self, path: str, *, generation: int) -> bytes:
        """Return the content of one generation of a file."""

    def write(self, path: str, content: bytes, *, generation: int) -> int:
        """Replace a generation of a file, whole or not at all, and mark it as ours.

        Another generation that holds the content already is as good. Returns the one that is there now.
        """

    def delete(self, path: str, *, generation: int) -> None:
        """Delete a generation of a file. It may be gone already."""

    def tidy(self) -> None:
        """Remove what writes that were cut off have left beside the files, where a store leaves such."""

    def lock(self) -> AbstractContextManager[Lock]:
        """Keep everybody else who asks for it out; the lock of a process that has died comes free.

        Raises RefusedError where another process holds it for long.
        """


class Lock(Protocol):
    """What a process holds while it works on a destination."""

    def check(self) -> None:
        """Raise RefusedError where the lock went to somebody else, for this process had stalled."""


class StoreModule(Protocol):
    """The interface of a module of this package."""

    SCHEME: str
    """How the destinations of this store begin, for example `gs://`; empty for folders."""

    def connect(self, destination: str) -> Store:
        """Return the store of a destination; raises DestinationError for an unusable one."""


def open_store(destination: str) -> Store:
    """Return the store of a destination such as `gs://BUCKET/dags/PREFIX` or a folder."""
    names = sorted(each.stem for each in Path(__file__).parent.glob("*.py"))
    modules = [cast("StoreModule", import_module(f"{__name__}.{n}")) for n in names if n[0] != "_"]
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
    """Return the base64 CRC32C of a content."""
    # by name: the library comes with google-cloud-storage, and only its store gets here
    checksum = import_module("google_crc32c").Checksum(content)
    return base64.b64encode(checksum.digest()).decode()
