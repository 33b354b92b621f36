"""What a pack of trials costs against one trial after another, and against processes side by side.

Usage: python benchmarks/trainer_pack.py [--sizes=1,2,4,8,16,32,64] [--programs=1,2,…] [--device=cpu]

First steps alone, in this process: seconds of a step of one trial, and of a step of a pack for each
of its trials (CPU seconds on a CPU, which suffer little from other work; wall seconds on a GPU).
Then how far the numbers of a pack are from those of trials alone. Last whole programs, start and
final measurement included, as a job pays for them. Every ratio is with one trial after another in
the same run; above 1 is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from trainer.config import build
from trainer.distributed import prepare
from trainer.pack.pack import Common, open_pack
from trainer.pack.stack import Stack, step
from trainer.settings import TrainSettings
from trainer.train import read_data, train_step
from trainer.vertex import StopRequest, read_context

WORKLOADS = {
    "answer": {"stage": "answer"},
    "relevance": {"stage": "relevance"},
    "small": {"width": 16, "heads": 2, "keep": 16, "budget_total": 2000, "batch": 2},
}
WARM, STEPS = 2, 5  # steps of a pack before and while time is taken; the median counts
COMPARED, LONG = 4, 40  # trials and steps that are compared number by number
ALONE = 3  # programs of one trial; the median counts
MOST_PROCESSES = 8  # side by side: each is 0.4 GB of memory


def trial(number: int) -> dict[str, float]:
    """Return the settings of one trial; all differ in rate or decay."""
    return {"learning_rate": 1e-3 * (1 + number % 8), "weight_decay": 0.01 * (number // 8)}


class Steps:
    """Seconds of steps in this process."""

    def __init__(self, textures: Path, device: str, shape: dict[str, object]) -> None:
        self.shared = {
            "textures": str(textures),
            "device": device,
            "epochs": 50,
            "limit": 300,
            **shape,
        }
        self.clock = time.process_time if device == "cpu" else self._gpu_clock
        first = build(TrainSettings, self.shared)
        self.base = read_context({}, str(textures))  # nothing is written
        self.data = read_data(first, self.base, prepare(first))

    @staticmethod
    def _gpu_clock() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    def stack(self, count: int, *, seeds: bool) -> Stack:
        """Return trials that are ready to step; with `seeds`, each has its own data order."""
        trials = {
            f"t{number}": build(
                TrainSettings, self.shared | trial(number) | {"seed": number if seeds else 0}
            )
            for number in range(count)
        }
        common = Common(self.base, self.data, StopRequest(), time.monotonic(), not seeds)
        return Stack(open_pack(trials, common).members, alike=not seeds)

    def alone(self) -> float:
        """Median seconds of a step of an ordinary run."""
        run = self.stack(1, seeds=False).runs[0]
        return self._median(lambda: train_step(run))

    def packed(self, count: int, *, seeds: bool = False) -> float:
        """Median seconds of a step of a pack, for each of its trials."""
        stack = self.stack(count, seeds=seeds)

        def one() -> None:
            step(stack)
            for member in stack.members:
                member.run.step += 1

        return self._median(one) / count

    def deviation(self, count: int, steps: int) -> tuple[float, float]:
        """Largest difference to training alone: of a loss on the way, of a weight at the end."""
        stack, losses = self.stack(count, seeds=True), []
        for _ in range(steps):
            losses.append([loss.total.item() for loss in step(stack)])
            for member in stack.members:
                member.run.step += 1
        loss, weight = 0.0, 0.0
        for place, member in enumerate(self.stack(count, seeds=True).members):
            for number in range(steps):
                train_step(member.run)
                loss = max(loss, abs(member.run.loss - losses[number][place]))
            ours = dict(stack.members[place].run.model.named_parameters())
            for name, value in member.run.model.named_parameters():
                weight = max(weight, (value - ours[name]).abs().max().item())
        return loss, weight

    def _median(self, one: Callable[[], object]) -> float:
        found = []
        for number in range(WARM + STEPS):
            begun = self.clock()
            one()
            if number >= WARM:
                found.append(self.clock() - begun)
        return statistics.median(found)


def show_steps(name: str, steps: Steps, sizes: list[int]) -> None:
    """Print the row of one workload."""
    alone = steps.alone()
    shared = [alone / steps.packed(size) for size in sizes]
    own = [alone / steps.packed(size, seeds=True) for size in sizes]
    print(f"| {name} | {1000 * alone:.1f} ms | {cells(shared)} |")
    print(f"| {name}, own seeds | | {cells(own)} |", flush=True)


def show_deviation(name: str, steps: Steps) -> None:
    """Print how far packed trials are from trials alone."""
    loss, weight = steps.deviation(COMPARED, LONG)
    print(f"| {name} | {loss:.1e} | {weight:.1e} |", flush=True)


def cells(ratios: list[float]) -> str:
    """Write ratios as cells of a table."""
    return " | ".join(f"{ratio:.2f}" for ratio in ratios)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one trial in whole programs."""

    wall: float
    cpu: float


def measured(commands: list[list[str]], trials: int) -> Cost:
    """Run programs side by side; returns the seconds of one trial."""
    begun = time.monotonic()
    started = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    cpu = 0.0
    for process in started:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"exit code {process.returncode} of a trainer")
        cpu += usage.ru_utime + usage.ru_stime
    return Cost((time.monotonic() - begun) / trials, cpu / trials)


def programs(folder: Path, settings: list[str], sizes: list[int]) -> Iterator[tuple[str, Cost]]:
    """Measure whole programs: first one trial after another, then the others."""
    count = iter(range(10**6))

    def command(*more: str) -> list[str]:
        output = f"--output={folder / str(next(count))}"
        return [sys.executable, "-m", "trainer", *settings, output, *more]

    def single(number: int) -> list[str]:
        return command(*(f"--{name}={value}" for name, value in trial(number).items()))

    costs = [measured([single(number)], 1) for number in range(ALONE)]
    median = statistics.median
    yield "one after another", Cost(median(c.wall for c in costs), median(c.cpu for c in costs))
    for size in sizes:
        if 1 < size <= MOST_PROCESSES:
            yield f"{size} processes", measured([single(n) for n in range(size)], size)
    for size in sizes:
        trials = {f"t{number}": trial(number) for number in range(size)}
        yield f"a pack of {size}", measured([command(f"--trials={json.dumps(trials)}")], size)


def show_programs(rows: Iterator[tuple[str, Cost]]) -> None:
    """Print the table of whole programs."""
    print("| trials | per hour | wall, ratio | CPU s each | CPU, ratio |\n|---|---|---|---|---|")
    base: Cost | None = None
    for way, cost in rows:
        base = base or cost
        wall, cpu = base.wall / cost.wall, base.cpu / cost.cpu
        print(f"| {way} | {3600 / cost.wall:,.0f} | {wall:.2f} | {cost.cpu:.2f} | {cpu:.2f} |",
              flush=True)  # fmt: skip


def make_data(folder: Path) -> Path:
    """Make the default data set and its textures."""
    run = [sys.executable, "-m"]
    for program in (
        ["trainer.data", f"--output={folder / 'data'}"],
        ["trainer.textures", f"--input={folder / 'data/model'}", f"--output={folder / 'textures'}"],
    ):
        subprocess.run([*run, *program], check=True, stdout=subprocess.DEVNULL)
    return folder / "textures" / "model"


def machine(device: str) -> str:
    """Say where the figures come from."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    gpu = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {gpu}, "
        f"torch {torch.__version__}, load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Measure steps of every workload, then programs of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1,2,4,8,16,32,64")
    parser.add_argument("--programs", help="sizes of whole programs; those of --sizes if absent")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    sizes = sorted(map(int, options.sizes.split(",")))
    of_programs = sorted(map(int, (options.programs or options.sizes).split(",")))
    begun = time.monotonic()
    print(machine(options.device))
    with tempfile.TemporaryDirectory() as name:
        textures = make_data(Path(name))
        print(f"\n| steps of | alone | {' | '.join(map(str, sizes))} |")
        print("|---" * (2 + len(sizes)) + "|")
        all_steps = {
            name: Steps(textures, options.device, shape) for name, shape in WORKLOADS.items()
        }
        for workload, steps in all_steps.items():
            show_steps(workload, steps, sizes)
        print(f"\n| {LONG} steps of | loss, largest difference | weight |\n|---|---|---|")
        for workload, steps in all_steps.items():
            show_deviation(workload, steps)
        print("\nStage relevance, one epoch of 225 steps:\n")
        settings = [f"--textures={textures}", "--stage=relevance", "--epochs=1",
                    f"--device={options.device}", "--log_every=1000"]  # fmt: skip
        show_programs(programs(Path(name) / "runs", settings, of_programs))
    print(f"\ntook {time.monotonic() - begun:.0f} s, load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
