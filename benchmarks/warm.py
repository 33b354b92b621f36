"""What a try costs, from the command to its summary: alone, with `dagfactory up`, and from a task on.

Wall seconds of whole processes in one folder, in turn, with the ratio to a run alone: a pipeline of one
task that does nothing, and the flagship from its gate on. The flagship is run once, with `up`.
Usage: python benchmarks/warm.py [repeats]
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "dagfactory"]
ONE = "pipeline: one\nschedule: null\ntasks:\n  a: {type: empty}\n"
BARS = {"one task, with up": 5, "flagship, whole, with up": 60, "flagship, --from its gate": 10}


def seconds(folder: Path, *arguments: str) -> float:
    """Return how long a command takes; it has to succeed."""
    began = time.monotonic()
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def main() -> None:
    """Print medians, ratios and bars."""
    repeats = int(sys.argv[1]) if sys.argv[1:] else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "specs", folder / "specs")
        (folder / "specs/one.yaml").write_text(ONE)
        one, flagship = ("run", "specs/one.yaml"), ("run", "specs/arr_coc.yaml")
        seconds(folder, *one)  # makes Airflow's database
        found = {"one task, alone": [seconds(folder, *one) for _ in range(repeats)]}
        found["up"] = [seconds(folder, "up")]
        try:
            found["one task, first with up"] = [seconds(folder, *one)]
            found["one task, with up"] = [seconds(folder, *one) for _ in range(repeats)]
            found["flagship, whole, with up"] = [seconds(folder, *flagship)]
            gate = (*flagship, "--from", "decide_deployment")
            found["flagship, --from its gate"] = [seconds(folder, *gate) for _ in range(repeats)]
        finally:
            seconds(folder, "up", "--stop")
    alone = statistics.median(found["one task, alone"])
    print(
        f"medians of {repeats} (1 for `up`, the first and the whole), load {os.getloadavg()[0]:.1f}"
    )
    for what, each in found.items():
        median = statistics.median(each)
        bar = f"   bar {BARS[what]} s" if what in BARS else ""
        print(f"{what:28} {median:6.1f} s  {median / alone:5.2f} x{bar}")


if __name__ == "__main__":
    main()
