"""Stop politely: ^C and SIGTERM become exceptions, so that every `finally` runs."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import TextIO

_NOTE = "\nstopping everything; ^C again kills it at once"


# not an Exception, like its base: an `except Exception` on the way must not swallow it
class Stopped(KeyboardInterrupt):
    """The command was asked to stop; `exit_code` is what a shell expects then (130 or 143)."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextlib.contextmanager
def stoppable(stream: TextIO) -> Iterator[None]:
    """Raise Stopped on SIGINT, SIGTERM and SIGHUP; say on `stream` what happens, once."""
    told: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        if not told:
            told.append(number)
            print(_NOTE, file=stream, flush=True)
        raise Stopped(number)

    # SIGHUP too: who closes the terminal would leave Airflow and the jobs running
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
