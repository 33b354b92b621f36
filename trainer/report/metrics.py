"""What a run tells while it trains: metrics.jsonl, TensorBoard, tuning and progress lines."""

import json
import math
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.storage import write_bytes
from trainer.vertex import RunContext


@dataclass(slots=True)
class MetricsLog:
    """Collects measurements and appends them to a file when told to.

    Lines are flushed before each checkpoint: what a checkpoint's step needs is on disk before it.
    """

    path: Path | None  # None: only the main process keeps a log
    boards: Path | None = None  # directory of TensorBoard's files
    waiting: list[str] = field(default_factory=list)
    board: Any = None

    def add(self, step: int, split: str, name: str, value: float) -> None:
        """Note one value; floats keep full precision, what is not finite becomes null."""
        if self.path is None:
            return
        known = value if math.isfinite(value) else None  # JSON has no other numbers
        line = {"step": step, "split": split, "name": name, "value": known, "time": time.time()}
        self.waiting.append(json.dumps(line) + "\n")
        if self.board:
            self.board.add_scalar(f"{split}/{name}", value, step)

    def flush(self) -> None:
        """Append the waiting lines and force them to disk."""
        if not self.waiting or self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write("".join(self.waiting))
            stream.flush()
            os.fsync(stream.fileno())
        self.waiting.clear()
        if self.board:
            self.board.flush()

    def close(self) -> None:
        """Write what waits and close; a resumed run drops the lines of steps that were not saved."""
        with suppress(OSError):  # what ends the run is said already
            self.flush()
        if self.board:
            self.board.close()

    def truncate(self, step: int) -> None:
        """Drop lines of steps after `step`, the final measurement, and a torn last line."""
        self.board = open_board(self.boards, step + 1)
        if self.path is None or not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if _keeps(line, step))
        write_bytes(self.path, kept.encode())


def _keeps(line: str, step: int) -> bool:
    """Whether a line is whole, not later than a step and not of the final measurement."""
    try:
        noted = json.loads(line)
        return bool(line.endswith("\n") and noted["step"] <= step and noted["split"] != "final")
    except (ValueError, KeyError, TypeError):
        return False


def report_tuning(context: RunContext, name: str, value: float, step: int) -> None:
    """Append one line in the format of the hypertune library, where somebody tunes."""
    if context.metric_file is None:
        return
    line = {
        "timestamp": time.time(),
        "trial": context.trial_id or "0",
        name: str(value),
        "global_step": str(step),
        "checkpoint_path": "",
    }
    context.metric_file.parent.mkdir(parents=True, exist_ok=True)
    with context.metric_file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def open_board(directory: Path | None, first: int) -> Any:
    """Return a writer of event files that hide what was written of step `first` and later.

    Vertex AI names the directory; the package is optional. None without a
    directory; without the package, one line says so.
    """
    if directory is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("no curves for TensorBoard: the package tensorboard is not installed", flush=True)
        return None
    return SummaryWriter(str(directory), purge_step=first)


@dataclass(slots=True)
class Clock:
    """How fast a loop is: steps since it began, of all runs that it trains together."""

    steps: int = 0
    started: float = field(default_factory=time.monotonic)

    def speed(self, batch: int, left: int) -> str:
        """Say how many samples (questions) a second, and the time that the steps left will take."""
        rate = self.steps / max(time.monotonic() - self.started, 1e-9)
        return f"{rate * batch:.0f} images/s ETA {left / rate:.0f}s"
