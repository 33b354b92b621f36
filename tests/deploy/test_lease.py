"""The lock of a bucket, where Cloud Storage does not answer for a while."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dagfactory.deploy.errors import DestinationError
from dagfactory.deploy.stores import _lease


class Objects:
    """One object, whose store has no credentials for every second call."""

    address = "gs://bucket/data"

    def __init__(self) -> None:
        self.writes = 0

    def write(self, _path: str, _content: bytes, *, generation: int) -> int:
        self.writes += 1
        if self.writes % 2 == 0:
            raise DestinationError("no Google credentials that work")
        return generation + 1

    def delete(self, _path: str, *, generation: int) -> None:
        raise DestinationError(f"no Google credentials that work ({generation})")


def test_a_renewal_that_fails_is_not_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lease, "RENEWAL", 0.01)
    store: Any = Objects()
    with _lease.lease(store):
        deadline = time.monotonic() + 10
        while store.writes < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert store.writes >= 6
