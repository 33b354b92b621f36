"""Calls to a store, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

PARALLEL = 8
"""Uploads at a time; the client library's connection pool holds ten."""


def in_parallel(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """Make calls in parallel; the first failure stops those that have not begun."""
    # not `with`: leaving that block by an exception would wait for every call in the queue
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        return [future.result() for future in [pool.submit(call) for call in calls]]
    finally:
        pool.shutdown(cancel_futures=True)
