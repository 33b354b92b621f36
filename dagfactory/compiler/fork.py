"""A map over many items, every second of them in a fork.

Only where a fork is safe and cheap: on Linux, in a process without threads, with a second core.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")

MANY = 200
"""Items from which on a fork, which costs about as much as rendering twenty files, is worth it."""


def fork_map(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return `work` of every item, in their order; every second of many is done in a fork.

    What `work` returns has to pickle. Raises what `work` raises, in either half.
    """
    if len(items) < MANY or not _can_fork():
        return [work(item) for item in items]
    # what the first one imports, the child needs not import again
    first = work(items[0])
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _run_child(writing, work, items[1::2])
    # while this process holds the end for writing, the read below would never see the end
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            own_results = [first, *(work(item) for item in items[2::2])]
            # read before waiting: a full pipe (64 KiB on Linux) stops the child until somebody reads
            pickled = pipe.read()
    finally:
        _, status = os.waitpid(child, 0)
    complete = pickled and not status
    # done again here, so that an error is raised in the process that reports it
    if not complete:
        return _interleaved(own_results, [work(item) for item in items[1::2]])
    child_results = pickle.loads(pickled)  # noqa: S301 - our own fork's
    return _interleaved(own_results, cast("list[Result]", child_results))


def _can_fork() -> bool:
    # a fork takes only the calling thread along: a lock that another one holds stays locked in
    # the child; on macOS system libraries may crash in a child, so Python's own default left it
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    # not cpu_count(): a container may be confined to one core of many
    return len(os.sched_getaffinity(0)) > 1


def _run_child(writing: int, work: Callable[[Item], Result], items: Sequence[Item]) -> None:
    """Write the results and end this process, with 1 for any error: the parent will meet it too."""
    code = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps([work(item) for item in items]))
        code = 0
    finally:
        # not sys.exit(): buffers and exit handlers are the parent's, which runs them itself
        os._exit(code)


def _interleaved(first: list[Result], second: list[Result]) -> list[Result]:
    """Put lists of every second item back into one."""
    found = [*first, *second]
    found[::2], found[1::2] = first, second
    return found
