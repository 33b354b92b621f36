"""Progress lines."""

import time
from dataclasses import dataclass

from trainer.run import Run


@dataclass(slots=True)
class Clock:
    """Progress lines: samples (questions) per second and the time left."""

    first: int
    started: float = 0.0

    def __post_init__(self) -> None:
        self.started = time.monotonic()

    def report(self, run: Run) -> None:
        """Print a line now and then."""
        if run.step % run.settings.log_every and run.step != run.planned:
            return
        seconds = max(time.monotonic() - self.started, 1e-9)
        speed = (run.step - self.first) / seconds
        samples = speed * run.settings.batch
        rate = run.optimizer.param_groups[0]["lr"]
        left = (run.planned - run.step) / speed
        stall = f" save stall {1000 * run.saver.stall:.1f} ms" if run.saver.stall >= 0 else ""
        print(
            f"step {run.step}/{run.planned} loss {run.loss:.4f} lr {rate:.2e} "
            f"{samples:.0f} images/s ETA {left:.0f}s{stall}",
            flush=True,
        )
