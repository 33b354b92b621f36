"""SIGTERM: finish the step, save, leave with 143; a second one leaves at once."""

import os
import signal
from dataclasses import dataclass
from types import FrameType

EXIT = 128 + signal.SIGTERM


@dataclass(slots=True)
class StopRequest:
    """Whether the machine is about to be taken away."""

    asked: bool = False

    def install(self) -> "StopRequest":
        """Handle SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._handle)
        return self

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            os._exit(EXIT)
        self.asked = True
