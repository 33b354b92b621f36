"""Work of several threads, one step at a time, in an order that a seed decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from random import Random
from typing import TypeVar

Result = TypeVar("Result")


class Cut(BaseException):
    """The end of a process by SIGKILL: nobody catches it, nothing of it runs from here on."""


class Actor(threading.Thread):
    """A piece of work that calls `step` before each call to the world, and waits there for its turn.

    `cut` is the number of the step that it does not live to take. `outcome` is what the work returns.
    `weather` is the share of its requests that go wrong.
    """

    def __init__(
        self,
        work: Callable[[Actor], str],
        random: Random,
        cut: int | None = None,
        weather: float = 0.0,
    ) -> None:
        super().__init__(daemon=True)
        self._work, self._cut, self._steps = work, cut, 0
        self._turn, self._rests = threading.Semaphore(0), threading.Semaphore(0)
        self.random, self.outcome, self.error, self.weather = random, "", "", weather
        self.start()
        self._rests.acquire()

    def step(self) -> None:
        """Wait for the next turn; raises Cut where the work ends."""
        self._rests.release()
        self._turn.acquire()
        self._steps += 1
        if self._cut and self._steps >= self._cut:
            raise Cut

    def take_turn(self) -> None:
        """Let the work go on to its next step or its end."""
        self._turn.release()
        self._rests.acquire()

    def run(self) -> None:
        """Do the work."""
        try:
            self.step()
            self.outcome = self._work(self)
        except Cut:
            self.outcome = "cut"
        except Exception as error:  # noqa: BLE001 - of another thread; `play` raises it again
            self.outcome, self.error = "failed", repr(error)
        finally:
            self._rests.release()


def play(actors: Iterable[Actor], random: Random) -> list[str]:
    """Give turns until all work is done; return what each came to."""
    actors = list(actors)
    while living := [each for each in actors if not each.outcome]:
        random.choice(living).take_turn()
    assert not any(each.error for each in actors), [each.error for each in actors]
    return [each.outcome for each in actors]


def wait_a_turn(_seconds: float) -> None:
    """Let others work in place of sleeping."""
    actor = threading.current_thread()
    assert isinstance(actor, Actor)
    actor.step()


def in_some_order(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """Make calls as threads of a pool might: in any order, and some of them after a failure."""
    actor = threading.current_thread()
    assert isinstance(actor, Actor)
    failure: Exception | None = None
    waiting = list(enumerate(calls))
    found: dict[int, Result] = {}
    for at, call in actor.random.sample(waiting, len(waiting)):
        if failure is None or actor.random.random() < 0.5:
            try:
                found[at] = call()
            except Exception as error:  # noqa: BLE001 - raised below
                failure = failure or error
    if failure:
        raise failure
    return [found[at] for at in sorted(found)]
