"""How long it takes to render 1,000 specs of 10 tasks, again after one changed, and after nothing did.

Wall and CPU seconds, medians of fresh processes with bytecode in place, as an installation has it. Every
cold render has a folder of its own: ext4 is slow to make files where as many were just deleted (0.7 s of
system time for a thousand), which no user does.
Usage: python benchmarks/render.py [repeats]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COUNT, TASKS = 1000, 10


def spec(index: int, word: str = "hello") -> str:
    """Return a pipeline of bash tasks in a chain."""
    lines = [f"pipeline: p{index:04}", "tasks:"]
    for task in range(TASKS):
        after = f", after: [t{task - 1}]" if task else ""
        lines.append(f'  t{task}: {{type: bash, command: "echo {word} {task}"{after}}}')
    return "\n".join(lines) + "\n"


def timed(folder: Path, out: str) -> tuple[float, float]:
    """Render the folder's specs in a fresh process; return its wall and its CPU seconds."""
    environment = os.environ | {"DAGFACTORY_CACHE": str(folder / out / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "dagfactory", "render", str(folder / "specs"), "--out"]
    before, start = os.times(), time.perf_counter()
    subprocess.run(
        [*command, str(folder / out / "dags")], check=True, capture_output=True, env=environment
    )
    wall, after = time.perf_counter() - start, os.times()
    user = after.children_user - before.children_user
    return wall, user + after.children_system - before.children_system


def main(repeats: int) -> None:
    """Write the specs, render them again and again, and print the medians."""
    figures: dict[str, list[tuple[float, float]]] = {"all": [], "one changed": [], "none": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "specs").mkdir()
        for index in range(COUNT):
            (folder / f"specs/p{index:04}.yaml").write_text(spec(index))
        timed(folder, "warm")
        for repeat in range(repeats):
            out = f"out{repeat}"
            figures["all"].append(timed(folder, out))
            (folder / "specs/p0000.yaml").write_text(spec(0, f"changed {repeat}"))
            figures["one changed"].append(timed(folder, out))
            figures["none"].append(timed(folder, out))
    bars = {"all": "bar 2 s", "one changed": "bar 0.3 s"}
    load = os.getloadavg()[0]
    print(f"{COUNT} specs of {TASKS} tasks, medians of {repeats}, load average {load:.1f}")
    for name, samples in figures.items():
        wall, cpu = (statistics.median(each) for each in zip(*samples, strict=True))
        print(f"{name:12} wall {wall:5.2f} s   CPU {cpu:5.2f} s   {bars.get(name, '')}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
