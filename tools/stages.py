"""Run stages of the Makefile one after another, all of them; then say which of them failed.

`python -m tools.stages lint unit e2e` calls `make lint`, `make unit`, `make e2e` and shows what they
print as it comes. It ends with a table of their states, seconds and pytest's closing lines, and exits
1 when a stage failed. Stages get no standard input: they do the same with and without a terminal.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass

CLOSING = re.compile(rb"^(?:=+ )?(\d+ \w+\b.* in [\d.]+s.*?)(?: =+)?$", re.MULTILINE)
"""How pytest ends."""
KEPT = 10_000
"""Bytes of a stage's output in which its closing line is looked for."""


@dataclass(frozen=True)
class Stage:
    """How a stage ended: its exit status, its seconds and pytest's closing line, where it has one."""

    name: str
    status: int
    seconds: float
    closing: str

    def row(self) -> str:
        """Return the line of the table."""
        state = "passed" if self.status == 0 else "FAILED"
        return f"{self.name:<10}{state:<8}{self.seconds:>7.0f}   {self.closing}".rstrip()


def main(names: list[str]) -> int:
    """Run the stages; write the table; return 1 when one failed."""
    stages = [run(name) for name in names]
    rows = [f"{'stage':<10}{'state':<8}seconds", *(stage.row() for stage in stages)]
    sys.stdout.write("\n" + "\n".join(rows) + "\n")
    return int(any(stage.status for stage in stages))


def run(name: str) -> Stage:
    """Run one stage and show what it prints."""
    sys.stdout.write(f"\n=== make {name}\n")
    sys.stdout.flush()
    began = time.monotonic()
    with subprocess.Popen(
        [os.environ.get("MAKE", "make"), "--no-print-directory", name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as make:
        found = CLOSING.findall(shown(make))
    closing = found[-1].decode(errors="replace") if found else ""
    return Stage(name, make.returncode, time.monotonic() - began, closing)


def shown(make: subprocess.Popen[bytes]) -> bytes:
    """Copy what a program prints to standard output until it ends; return the end of it."""
    assert make.stdout  # noqa: S101 - it was opened with a pipe
    tail = b""
    while True:
        if select.select([make.stdout], [], [], 1.0)[0]:
            part = os.read(make.stdout.fileno(), 65536)
            if not part:
                return tail
            tail = (tail + part)[-KEPT:]
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
        elif make.poll() is not None:  # what it left in the background may hold the pipe for ever
            return tail


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
