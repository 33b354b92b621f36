"""Show a run while it goes on: a line per change, or on a terminal a table that updates."""

import contextlib
import os
from collections.abc import Iterator
from typing import TextIO

from dagfactory.run.events import Sink
from dagfactory.run.lines import LinePrinter


@contextlib.contextmanager
def shown_on(stream: TextIO) -> Iterator[Sink]:
    """Yield the function that takes the events of a run and shows them on `stream`."""
    # a dumb terminal, such as a shell inside an editor, cannot move its cursor
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        from dagfactory.run.live import live_table

        with live_table(stream) as sink:
            yield sink
    else:
        yield LinePrinter(stream).take
