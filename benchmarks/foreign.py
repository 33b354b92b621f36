"""Check and import every YAML file of a folder that no spec is in: one line for each, and soon.

A file that `check` says more than one error of, a traceback, and a slow median are told.
Usage: python benchmarks/foreign.py FOLDER [most files]
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dagfactory.__main__ import run  # noqa: E402 - this checkout's

BAR = 0.3
_ERROR = "error["


def main(folder: Path, most: int) -> int:
    """Run and print the figures; 1 when a bar is missed."""
    files = sorted(each for end in ("yaml", "yml") for each in folder.rglob(f"*.{end}"))
    files = [each for each in files if each.is_file()][:most]
    counts: Counter[int] = Counter()
    seconds: list[float] = []
    broken: list[str] = []
    for each in files:
        start = time.process_time()
        try:
            counts[_errors(["check", str(each), "--no-cache", "--format", "concise"])] += 1
            seconds.append(time.process_time() - start)
            _errors(["import", str(each)])
        except Exception as error:  # noqa: BLE001 - any of them is a bug to tell
            broken.append(f"{each}: {error!r}")
    median = statistics.median(seconds) if seconds else 0.0
    print(
        f"{len(files)} files: errors of `check` for a file {dict(sorted(counts.items()))}   bar {{1: all}}"
    )
    print(f"median {median:.3f} s of CPU   bar {BAR} s")
    print(f"tracebacks {len(broken)}   bar 0")
    print("\n".join(broken[:10]))
    return int(bool(broken) or median > BAR or set(counts) > {1})


def _errors(command: list[str]) -> int:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        run(command)
    return sum(_ERROR in line for line in (out.getvalue() + err.getvalue()).splitlines())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 1000))
