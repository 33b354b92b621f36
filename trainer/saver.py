"""Checkpoints written while training goes on, and how often to write them.

The state is copied between two steps; a thread checks and writes the copy. At most one write is
under way: the next save, and the end of training, wait for it.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field


@dataclass(slots=True)
class Saver:
    """Writes one thing after another in a thread; remembers what that cost."""

    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    pending: Future[float] | None = None
    begun: float = field(default_factory=time.monotonic)  # of the last save
    stall: float = math.nan  # seconds the last save held up the steps
    cost: float = math.nan  # seconds of the last finished save, stall and writing

    def save(self, prepare: Callable[[], Callable[[], object]]) -> None:
        """Prepare between two steps, then write in the thread."""
        self.begun = time.monotonic()
        self.wait()
        write = prepare()
        self.stall = time.monotonic() - self.begun
        self.pending = self.pool.submit(_timed, write)

    def wait(self) -> None:
        """Wait for what is under way; its error is raised here."""
        if self.pending is not None:
            pending, self.pending = self.pending, None
            self.cost = self.stall + pending.result()

    def measured(self) -> bool:
        """Whether a save has finished, so that its cost is known."""
        if self.pending is not None and self.pending.done():
            self.wait()
        return not math.isnan(self.cost)


def _timed(write: Callable[[], object]) -> float:
    begun = time.monotonic()
    write()
    return time.monotonic() - begun


def best_interval(cost: float, mtbi: float) -> float:
    """Seconds between checkpoints that lose the least time; cost and mtbi in seconds.

    J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps",
    Future Generation Computer Systems 22 (2006), 303-312, equation 37, with cost d and mean time
    between interruptions M: sqrt(2 d M) (1 + sqrt(d / 2M) / 3 + (d / 2M) / 9) - d for d < 2M,
    otherwise M. Its first term is that of J. W. Young (CACM 17, 1974).
    """
    if cost >= 2 * mtbi:
        return mtbi
    part = cost / (2 * mtbi)
    return math.sqrt(2 * cost * mtbi) * (1 + math.sqrt(part) / 3 + part / 9) - cost
