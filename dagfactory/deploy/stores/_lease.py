"""The lock of a bucket: an object that its holder renews, and that is free once it stays the same.

Nobody reads anybody's clock: who waits measures with its own how long the object has not changed.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import Protocol

from dagfactory.deploy import waiting
from dagfactory.deploy.errors import DestinationChangedError, RefusedError
from dagfactory.deploy.stores import NEW, Store, StoredFile
from dagfactory.diagnostics.diagnostic import DagfactoryError

LOCK = "lock.json"

TERM = 90.0
"""Seconds without a change after which a lock belongs to a process that is gone."""

RENEWAL = 20.0
"""Seconds between two renewals: four may fail before the lock is lost."""


class Objects(Store, Protocol):
    """A store that can look at one object."""

    def look(self, path: str) -> StoredFile | None:
        """Describe an object; None where there is none."""


class Lease:
    """Our hold on the object, in one generation after the other."""

    def __init__(self, store: Objects) -> None:
        self._store, self._owner = store, f"{socket.gethostname()} {os.getpid()} {token_hex(16)}"
        self._generation, self._turn = NEW, threading.Lock()
        self._seen, self._since, self._renewals = NEW, 0.0, 0

    def attempt(self) -> Lease | None:
        """Take the object where there is none, or where it has not changed for a term."""
        try:
            self._write(self._expired())
        except DestinationChangedError:
            self._look()
            return None
        return self

    def check(self) -> None:
        """Renew the object; raises RefusedError where it went to somebody else."""
        with self._turn:
            try:
                self._write(self._generation)
            except DestinationChangedError as error:
                raise RefusedError(
                    "this sync stalled, and another one has taken over; run sync again"
                ) from error

    def release(self) -> None:
        """Remove the object, unless it went to somebody else."""
        with self._turn, suppress(DagfactoryError):
            self._store.delete(LOCK, generation=self._generation)

    def _expired(self) -> int:
        """Return the generation that may be replaced: one that has grown old, else none."""
        old = self._seen and time.monotonic() - self._since >= TERM
        return self._seen if old else NEW

    def _look(self) -> None:
        item = self._store.look(LOCK)
        seen = item.generation if item else NEW
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()

    def _write(self, generation: int) -> None:
        # never twice the same content: a write of what is there already would count as ours
        self._renewals += 1
        content = json.dumps({"owner": self._owner, "renewals": self._renewals})
        self._generation = self._store.write(LOCK, content.encode(), generation=generation)


@contextmanager
def lease(store: Objects) -> Iterator[Lease]:
    """Wait for the lock of a destination and hold it."""
    taken = waiting.wait_for(Lease(store).attempt, f"{store.address}/{LOCK}")
    over = threading.Event()
    renewing = threading.Thread(target=_renew, args=(taken, over), daemon=True)
    renewing.start()
    try:
        yield taken
    finally:
        over.set()
        taken.release()


def _renew(taken: Lease, over: threading.Event) -> None:
    """Renew until it is over; a failure shows when the work itself checks."""
    while not over.wait(RENEWAL):
        with suppress(DagfactoryError):
            taken.check()
