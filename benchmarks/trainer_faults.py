"""Kill, stop and damage tiny training runs, and count how often a step was lost.

Usage: python benchmarks/trainer_faults.py [--kills=200] [--uploads=200] [--stops=50] [--flips=1000]
       [--seed=0]

Each run is a fork that notes on a shared page, which outlives it, the step it is at, whether it
saves, prunes or uploads, and the last acknowledged checkpoint (its manifest is there). A loss exits
with 1. The bucket is the emulator's: the real client library over the wire.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import mmap
import os
import platform
import random
import signal
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # the optimizer imports it: once here instead of in every fork

from trainer import storage, train
from trainer.checkpoint import checkpoint
from trainer.checkpoint.checkpoint import checkpoints
from trainer.data import clevr as data
from trainer.data import textures
from trainer.errors import TrainerError
from trainer.train import Run

TINY = [
    "--width=16", "--heads=2", "--glimpses=1", "--dropout=0.1", "--keep=16",
    "--budget_total=2000", "--batch=4", "--epochs=3", "--log_every=1", "--keep_checkpoints=2",
]  # fmt: skip
STEP, SAVE, PRUNE, UPLOAD, IN_STEP, IN_SAVE, IN_PRUNE, IN_UPLOAD, ACKNOWLEDGED, RESUMED = range(10)
PHASES = {
    "step": (STEP, IN_STEP), "save": (SAVE, IN_SAVE), "prune": (PRUNE, IN_PRUNE),
    "upload": (UPLOAD, IN_UPLOAD),
}  # fmt: skip
ON_DISK = ("step", "save", "prune")
# Seconds; about how long each takes.
LONGEST = {"step": 0.012, "save": 0.006, "prune": 0.003, "upload": 0.03}
SMALL_PART = 2**18  # bytes, the least there is: a tiny state goes up in parts, as a large one does
DEADLINE = 20  # seconds from SIGTERM to the end


class Board:
    """Ten numbers shared with a forked run."""

    def __init__(self) -> None:
        self.page = mmap.mmap(-1, mmap.PAGESIZE)

    def __getitem__(self, place: int) -> int:
        return int(struct.unpack_from("q", self.page, 8 * place)[0])

    def __setitem__(self, place: int, value: int) -> None:
        struct.pack_into("q", self.page, 8 * place, value)


def watched(board: Board, phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Note on the board when a function begins and ends."""
    count, inside = PHASES[phase]

    @functools.wraps(call)
    def noted(*args: Any, **kwargs: Any) -> Any:
        board[count], board[inside] = board[count] + 1, 1
        result = call(*args, **kwargs)
        board[inside] = 0
        if phase == "save":
            board[ACKNOWLEDGED] = args[1].step
        return result

    return noted


def instrument(board: Board) -> None:
    """Make this process note what it does; it is a fork, so nothing else changes."""
    train.train_step = watched(board, "step", train.train_step)
    checkpoint.save = watched(board, "save", checkpoint.save)
    checkpoint.prune = watched(board, "prune", checkpoint.prune)
    resume = train.resume

    def noted(run: Run) -> bool:
        found = resume(run)
        board[RESUMED] = run.step
        return found

    train.resume = noted
    if "google.cloud.storage" in sys.modules:
        bucket = storage.BucketStorage
        bucket.write = watched(board, "upload", bucket.write)


def start(arguments: list[str], base: Path, board: Board) -> int:
    """Fork a training run; returns its process id. Its output goes to `base/log`."""
    base.mkdir(parents=True, exist_ok=True)
    for slot in range(RESUMED + 1):
        board[slot] = -1 if slot == RESUMED else 0
    child = os.fork()
    if child:
        return child
    code = 70
    with contextlib.suppress(BaseException):
        log = os.open(base / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        instrument(board)
        if "google.cloud.storage" in sys.modules:
            os.environ["AIP_MODEL_DIR"] = str(base / "model")
            os.environ["AIP_CHECKPOINT_DIR"] = f"gs://faults/{base.name}/checkpoints"
        try:
            code = train.main([*arguments, f"--output={base}"])
        except (TrainerError, OSError) as error:
            os.write(2, f"trainer: error: {error}\n".encode())
            code = 1
    os._exit(code)


def ended(child: int) -> int | None:
    """Exit code of a child, minus the signal that ended it; None while it runs."""
    found, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def finish(child: int) -> int:
    """Wait for a child; returns its exit code, minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def hit(
    child: int,
    board: Board,
    draw: random.Random,
    number: signal.Signals,
    phases: Sequence[str] = ("step",),
) -> int | None:
    """Send a signal at a random instant of a random phase; returns the exit code if too late."""
    phase = draw.choice(phases)
    after = draw.randint(1, 6)
    while board[PHASES[phase][0]] < after:
        if (code := ended(child)) is not None:
            return code
        time.sleep(0.0002)
    time.sleep(draw.uniform(0, LONGEST[phase]))
    if (code := ended(child)) is not None:
        return code
    os.kill(child, number)
    return None


def outcome(base: Path) -> tuple[list[tuple[int, str]], bytes]:
    """Every loss with all its bits, and the bytes of the model."""
    lines = (base / "model" / "metrics.jsonl").read_text().splitlines()
    noted = [json.loads(line) for line in lines]
    losses = [
        (line["step"], float(line["value"]).hex())
        for line in noted
        if (line["split"], line["name"]) == ("train", "loss")
    ]
    return losses, (base / "model" / "model.safetensors").read_bytes()


def kills(
    count: int,
    arguments: list[str],
    base: Path,
    draw: random.Random,
    phases: Sequence[str] = ON_DISK,
) -> Counter[str]:
    """Kill runs until `count` were hit; each is started again until it finishes."""
    every = [*arguments, "--checkpoint_every=1"]
    board, found = Board(), Counter[str]()
    expected = undisturbed(every, base / "alone", board)
    run, acknowledged = base / "run-0", 0
    while True:
        child = start(every, run, board)
        code = None
        if found["killed"] < count:
            code = hit(child, board, draw, signal.SIGKILL, phases)
        if code is None:
            code = finish(child)
        found["resumed behind an acknowledged step"] += 0 <= board[RESUMED] < acknowledged
        acknowledged = max(acknowledged, board[ACKNOWLEDGED])
        if code == -signal.SIGKILL:
            found["killed"] += 1
            found.update(f"in {name}" for name, (_, inside) in PHASES.items() if board[inside])
            continue
        found["runs"] += 1
        found["other losses or model"] += code != 0 or outcome(run) != expected
        run, acknowledged = base / f"run-{found['runs']}", 0
        if found["killed"] >= count:
            return found


def uploads(count: int, arguments: list[str], base: Path, draw: random.Random) -> Counter[str]:
    """Kill runs whose checkpoints go to a bucket, uploaded in parts."""
    from dagfactory.emulator.testing import shared

    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    os.environ.update(shared().env)
    os.environ.pop("GCSFUSE_ROOT", None)
    (shared().state / "gcs" / "faults").mkdir()
    from google.cloud.storage import blob

    storage.UPLOAD_PART = SMALL_PART
    blob._MAX_MULTIPART_SIZE = SMALL_PART  # noqa: SLF001 - there is no public name
    return kills(count, arguments, base, draw, [*ON_DISK, "upload"])


def undisturbed(arguments: list[str], base: Path, board: Board) -> Any:
    """Outcome of a run that nothing happens to."""
    if finish(start(arguments, base, board)):
        sys.exit((base / "log").read_text())
    return outcome(base)


def stops(count: int, arguments: list[str], base: Path, draw: random.Random) -> Counter[str]:
    """Send SIGTERM to runs without any other checkpoint, then let them continue."""
    rare = [*arguments, "--checkpoint_every=1000"]
    board, found = Board(), Counter[str]()
    expected = undisturbed(rare, base / "alone", board)
    while found["stopped"] < count:
        run = base / f"run-{found['stopped']}"
        child = start(rare, run, board)
        if hit(child, board, draw, signal.SIGTERM) is not None:
            continue
        sent, steps = time.monotonic(), board[STEP]
        code = finish(child)
        found["slowest ms"] = max(found["slowest ms"], round(1000 * (time.monotonic() - sent)))
        newest = max((int(p.name[5:]) for p in checkpoints(run / "checkpoints")), default=0)
        found["stopped"] += 1
        found["no checkpoint of the step or not 143"] += code != 128 + 15 or newest < steps
        again = finish(start(rare, run, board))
        found["lost"] += again != 0 or board[RESUMED] != newest or outcome(run) != expected
    found["later than 20 s"] = int(found["slowest ms"] > 1000 * DEADLINE)
    return found


def prepare(base: Path) -> list[str]:
    """Make a small data set; returns the arguments of a tiny run of 24 steps."""
    with contextlib.redirect_stdout(None):
        data.main(["--images=36", "--held_out=8", f"--output={base / 'data'}"])
        made = base / "textures"
        textures.main([f"--input={base / 'data' / 'model'}", f"--output={made}"])
    return [f"--textures={base / 'textures' / 'model'}", *TINY]


def main(argv: list[str]) -> int:
    """Run every kind of fault; returns 1 when anything was lost."""
    import trainer_damage

    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in {
        "kills": 200,
        "uploads": 200,
        "stops": 50,
        "flips": 1000,
        "seed": 0,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    options = parser.parse_args(argv)
    began, draw = time.monotonic(), random.Random(options.seed)  # noqa: S311
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, "
          f"{os.cpu_count()} cores, seed {options.seed}; 24 steps a run")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        arguments = prepare(base)
        results = {
            "SIGKILL": kills(options.kills, arguments, base / "kills", draw),
            "SIGTERM": stops(options.stops, arguments, base / "stops", draw),
            "damage": trainer_damage.damage(options.flips, arguments, base / "damage", draw),
            "hostile": trainer_damage.hostile(arguments, base / "hostile"),
            "uploads": uploads(options.uploads, arguments, base / "uploads", draw),
        }
    for title, found in results.items():
        print(f"{title:12} " + ", ".join(f"{name}: {found[name]}" for name in found))
    print(f"{time.monotonic() - began:.0f} s")
    return int(any(lost(found) for found in results.values()))


FAULTS = (
    "resumed behind an acknowledged step", "other losses or model", "later than 20 s", "lost",
    "no checkpoint of the step or not 143", "undetected", "executed", "over 1 GB", "unclear",
)  # fmt: skip


def lost(found: Counter[str]) -> int:
    """Count the faults that did harm."""
    return sum(found[name] for name in FAULTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
