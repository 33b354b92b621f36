"""SIGTERM: finish the step, save, leave with 143; one that comes again later leaves at once."""

import os
import signal
import time
from dataclasses import dataclass
from types import FrameType

EXIT = 128 + signal.SIGTERM
ONCE = 5.0  # seconds in which several signals are one request


@dataclass(slots=True)
class StopRequest:
    """Whether the machine is about to be taken away.

    One request arrives more than once: timeout(1) signals its child, then the group of both, and a
    service manager signals every process, of which the agent signals its own again.
    """

    asked: bool = False
    since: float = 0.0

    def install(self) -> "StopRequest":
        """Handle SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._handle)
        return self

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.asked:
            self.asked, self.since = True, now
        elif now - self.since > ONCE:
            os._exit(EXIT)
