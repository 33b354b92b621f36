"""How much a checkpoint of about 100 MB holds up training: steps with and without a save, in turns.

Usage: python benchmarks/trainer_saving.py [--pairs=12] [--steps=20] [--width=768] [--threads=1]

A pair is two blocks of steps, one with a save before its first step; which comes first alternates.
Prints the ratio of their times, and the seconds that the loop stood still for the copy.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from trainer import train
from trainer.checkpoint.checkpoint import STATE, checkpoints
from trainer.config import parse
from trainer.data import clevr as data
from trainer.data import textures
from trainer.distributed import prepare
from trainer.settings import TrainSettings
from trainer.train import Run, save, train_step
from trainer.vertex import StopRequest, read_context

BAR = 1.05


def main(argv: list[str]) -> int:
    """Measure; returns 1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in {"pairs": 12, "steps": 20, "width": 768, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:  # a disk, where /tmp may be memory
        run = make_run(Path(name), options.width, options.threads)
        pairs = measure(run, options.pairs, options.steps)
        size = (checkpoints(run.context.checkpoint_dir)[-1] / STATE).stat().st_size
    return report(pairs, options.steps, size)


def make_run(base: Path, width: int, threads: int) -> Run:
    """Assemble a run of many steps on a small data set."""
    with contextlib.redirect_stdout(None):
        data.main(["--images=200", "--held_out=8", f"--output={base / 'data'}"])
        textures.main([f"--input={base / 'data/model'}", f"--output={base / 'textures'}"])
    arguments = [f"--textures={base / 'textures/model'}", f"--output={base / 'run'}"]
    arguments += [f"--width={width}", f"--threads={threads}", "--glimpses=1", "--epochs=1000"]
    settings = parse(TrainSettings, arguments)
    context, device = read_context({}, str(base / "run")), prepare(settings)
    return train.assemble(
        settings, context, train.read_data(settings, context, device), StopRequest()
    )


def measure(run: Run, pairs: int, steps: int) -> list[tuple[float, float, float]]:
    """(seconds without, seconds with a save, seconds of its stall) of each pair of blocks."""
    train_step(run)
    save(run)  # the first one makes the buffers
    found = []
    for number in range(pairs):
        order = [False, True] if number % 2 else [True, False]
        times = {saving: block(run, steps, saving=saving) for saving in order}
        found.append((times[False], times[True], run.saver.stall))
        print(f"  {times[False]:.2f} s without, {times[True]:.2f} s with", flush=True)
    return found


def block(run: Run, steps: int, *, saving: bool) -> float:
    """Seconds of some steps, a save before the first one; its writing ends within, or is waited for."""
    run.saver.wait()
    begun = time.monotonic()
    if saving:
        save(run)
    for _ in range(steps):
        train_step(run)
    run.saver.wait()
    return time.monotonic() - begun


def report(pairs: list[tuple[float, float, float]], steps: int, size: int) -> int:
    """Print the figures; returns 1 when the bar is missed."""
    ratios = sorted(saving / without for without, saving, _ in pairs)
    without = statistics.median(pair[0] for pair in pairs)
    stall = statistics.median(pair[2] for pair in pairs)
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} thread(s)")  # fmt: skip
    print(
        f"state {size / 1e6:.0f} MB, a save every {steps} steps ({without:.1f} s), n = {len(pairs)} pairs"
    )
    print(f"loop time with saves / without: median {statistics.median(ratios):.3f}, "
          f"{ratios[0]:.3f} to {ratios[-1]:.3f} (bar {BAR})")  # fmt: skip
    fastest = min(pair[1] for pair in pairs) / min(pair[0] for pair in pairs)
    print(f"fastest block of each kind, which other work disturbed least: {fastest:.3f}")
    print(
        f"stall for the copy: median {1000 * stall:.0f} ms, {100 * stall / without:.2f} % of the loop"
    )
    return int(statistics.median(ratios) > BAR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
