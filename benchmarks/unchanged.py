"""What commands cost over 1,000 specs of 10 tasks of which none changed, or one.

Wall and CPU seconds, medians of fresh processes. The Python of another checkout, given as the second
argument, runs by turns on a copy of the same project.
Usage: python benchmarks/unchanged.py [repeats] [PYTHON]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from render import COUNT, spec

ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"
COMMANDS = {
    "check": ["check", "specs"],
    "render": ["render", "specs", "--env", "dev"],
    "sync to a folder": ["sync", "specs", "--env", "dev", "--to", "dags"],
}


def project(folder: Path) -> Path:
    """Write a project of many specs and one environment."""
    (folder / "specs/environments").mkdir(parents=True)
    (folder / "specs/environments/dev.yaml").write_text(ENVIRONMENT)
    for index in range(COUNT):
        (folder / f"specs/p{index:04}.yaml").write_text(spec(index))
    return folder


def timed(python: str, command: list[str], folder: Path) -> tuple[float, float]:
    """Run a command in a fresh process; return its wall and its CPU seconds."""
    environment = os.environ | {"DAGFACTORY_CACHE": str(folder / "cache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    whole = [python, "-m", "dagfactory", *command]
    before, start = os.times(), time.perf_counter()
    subprocess.run(whole, cwd=folder, check=True, capture_output=True, env=environment)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user - before.children_user
    return wall, cpu + after.children_system - before.children_system


def main(repeats: int, others: list[str]) -> None:
    """Measure each command with each Python and print the medians."""
    figures: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folders = {
            python: project(Path(name, str(number)))
            for number, python in enumerate([sys.executable, *others])
        }
        for word, command in COMMANDS.items():
            for repeat in range(repeats + 1):
                for python, folder in folders.items():
                    changed = spec(0, f"{word} {repeat}")
                    (folder / "specs/p0000.yaml").write_text(changed)
                    one = timed(python, command, folder)
                    none = timed(python, command, folder)
                    if repeat:  # the first one compiles everything
                        figures.setdefault((word, "one changed", python), []).append(one)
                        figures.setdefault((word, "none changed", python), []).append(none)
    print(f"{COUNT} specs, medians of {repeats}, load average {os.getloadavg()[0]:.1f}")
    for (word, what, python), samples in sorted(figures.items()):
        wall, cpu = (statistics.median(each) for each in zip(*samples, strict=True))
        which = "this" if python == sys.executable else "other"
        print(f"{word:18} {what:13} {which:6} wall {wall:5.2f} s   CPU {cpu:5.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:3])
