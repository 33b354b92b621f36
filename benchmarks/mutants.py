"""Compile 100,000 damaged specs: no traceback, none slow, none large, one error for one fault.

Each mutant is a valid spec of the project with one edit of its tree or its text (tests/helpers/mutants.py).
Usage: python benchmarks/mutants.py [count] [seed]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/helpers"))

import damage  # noqa: E402 - beside the tests
import mutants  # noqa: E402 - beside the tests


def main(count: int, seed: int) -> int:
    """Run and print the figures; 1 when a bar is missed."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        score = mutants.run(damage.Bench(Path(name)), range(count), seed)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{score.total:,} mutants (seed {seed}), {time.process_time() - start:.0f} s of CPU")
    print(f"tracebacks {len(score.broken)}   bar 0   {score.broken[:5] or ''}")
    print(f"slowest {score.slowest:.2f} s of CPU   bar 1 s")
    print(f"largest resident set of the process {memory:.0f} MB   bar 300 MB")
    print(f"errors per mutant that has any {score.mean:.3f} ({score.wrong:,} have)   bar 1.1")
    for edit, (wrong, errors) in sorted(score.by_edit.items()):
        print(f"  {edit:12} {errors / wrong:.2f} ({wrong:,})")
    missed = score.broken or score.slowest > 1 or memory > 300 or score.mean > 1.1  # noqa: PLR2004 - the bars
    return int(bool(missed))


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    sys.exit(main(*(given + [100_000, 20261126][len(given) :])))
