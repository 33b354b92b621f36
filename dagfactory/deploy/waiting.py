"""How long a process waits for a lock that another one holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from dagfactory.deploy.errors import RefusedError

Found = TypeVar("Found")

PATIENCE = 600.0
"""Seconds for which a sync waits for another one that is at work."""

POLL = 2.0
"""Seconds between two looks."""


def wait_for(attempt: Callable[[], Found | None], place: str) -> Found:
    """Call until it returns something; raises RefusedError when that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while (found := attempt()) is None:
        if time.monotonic() > deadline:
            raise RefusedError(f"another sync has been at work for {PATIENCE:.0f} s: {place}")
        pause(POLL)
    return found


def pause(seconds: float) -> None:
    """Wait; tests of schedules give others a turn here."""
    time.sleep(seconds)
