"""Stop politely: ^C and SIGTERM become exceptions, so that every `finally` runs."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TextIO

_NOTE = "\nstopping everything; ^C again kills it at once"


# not an Exception, like its base: an `except Exception` on the way must not swallow it
class Stopped(KeyboardInterrupt):
    """The command was asked to stop; `exit_code` is what a shell expects then (130 or 143)."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Stopper:
    """What a signal does: say on a stream what happens, once, and raise Stopped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._first: Callable[[], None] | None = None
        self._told = False

    def before(self, action: Callable[[], None]) -> None:
        """Do something before anything is said."""
        self._first = action

    def stop(self, number: int, _: FrameType | None) -> None:
        """Handle a signal."""
        if not self._told:
            self._told = True
            if self._first:
                self._first()
            print(_NOTE, file=self._stream, flush=True)
        raise Stopped(number)


@contextlib.contextmanager
def stoppable(stream: TextIO) -> Iterator[Stopper]:
    """Raise Stopped on SIGINT, SIGTERM and SIGHUP; say on `stream` what happens, once."""
    stopper = Stopper(stream)
    # SIGHUP too: who closes the terminal would leave Airflow and the jobs running
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stopper.stop) for number in numbers}
    try:
        yield stopper
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
