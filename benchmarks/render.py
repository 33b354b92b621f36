"""How long it takes to render 1,000 specs of 10 tasks, and again after one changed (wall seconds)."""

from __future__ import annotations

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


def timed(folder: Path) -> float:
    """Render the folder in a fresh process and return its wall seconds."""
    command = [sys.executable, "-m", "dagfactory", "render", str(folder / "specs"), "--out"]
    start = time.perf_counter()
    subprocess.run([*command, str(folder / "out")], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Write the specs, render them twice and print both times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "specs").mkdir()
        for index in range(COUNT):
            (folder / f"specs/p{index:04}.yaml").write_text(spec(index))
        print(f"{COUNT} specs of {TASKS} tasks: {timed(folder):.2f} s   bar 2 s")
        (folder / "specs/p0000.yaml").write_text(spec(0, "changed"))
        print(f"one changed: {timed(folder):.2f} s   bar 0.3 s")


if __name__ == "__main__":
    main()
