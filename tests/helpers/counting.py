"""A trainer that only counts: a checkpoint every other step and at SIGTERM, one line a step trained.

Usage: python counting.py STEPS
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

STEP = 0.03  # seconds
EVERY = 2


def folder() -> Path:
    """Return where this job keeps its checkpoints."""
    address = os.environ["AIP_CHECKPOINT_DIR"].removeprefix("gs://")
    made = Path(os.environ["GCSFUSE_ROOT"], address)
    made.mkdir(parents=True, exist_ok=True)
    return made


def save(place: Path, step: int) -> None:
    """Write a checkpoint whole or not at all."""
    (place / "new").write_text(str(step))
    (place / "new").replace(place / "step")


def train(place: Path, steps: int) -> None:
    """Go on where the newest checkpoint is; end with a checkpoint where the machine is taken."""
    ending: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        ending.append(number)

    signal.signal(signal.SIGTERM, end)
    checkpoint = place / "step"
    begun = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for step in range(begun + 1, steps + 1):
        time.sleep(STEP)
        with (place / "trained").open("a") as log:
            log.write(f"{step}\n")
        if ending or step % EVERY == 0 or step == steps:
            save(place, step)
        if ending and step < steps:
            sys.exit(128 + ending[0])


if __name__ == "__main__":
    train(folder(), int(sys.argv[1]))
