"""What a command costs above a bare interpreter: medians of interleaved fresh processes, in CPU ms.

Usage: python benchmarks/startup.py [repeats]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "dagfactory --help": ["-m", "dagfactory", "--help"],
    "check --no-cache (one spec, one environment)": [
        "-m", "dagfactory", "check", "specs/quickstart.yaml", "--env", "prod", "--no-cache",
    ],
    "check (the same, unchanged)": [
        "-m", "dagfactory", "check", "specs/quickstart.yaml", "--env", "prod",
    ],
    "check --no-cache (flagship, four environments)": [
        "-m", "dagfactory", "check", "specs/arr_coc.yaml", "--no-cache",
    ],
}  # fmt: skip
BARS = {"dagfactory --help": 60, "check --no-cache (one spec, one environment)": 250}


def cpu(arguments: list[str]) -> float:
    """Return the CPU time in ms (user and system) of one fresh process."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
    after = os.times()
    return 1000 * (
        after.children_user - before.children_user + after.children_system - before.children_system
    )


def main(repeats: int) -> None:
    """Print the median of each command, what lies above the interpreter, and its bar."""
    samples: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, arguments in COMMANDS.items():
            samples[name].append(cpu(arguments))
    base = statistics.median(samples["bare interpreter"])
    print(f"CPU ms, median of {repeats} fresh processes, Python {sys.version.split()[0]}")
    for name, values in samples.items():
        median = statistics.median(values)
        bar = f"   bar {BARS[name]} above" if name in BARS else ""
        print(f"{name:48} {median:6.0f}   above the interpreter {median - base:6.0f}{bar}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
