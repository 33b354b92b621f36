"""Sizes of functions and files against the project's bars; exits 1 when one is missed.

Bars: median function at most 9 lines, 90 % at most 30, none over 60, no file over 400; over 600 in
the trainer, whose files are read from top to bottom.
"""

from __future__ import annotations

import ast
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEDIAN, MOST, LONGEST = 9, 30, 60
FILE = {"dagfactory": 400, "trainer": 600}


def main() -> int:
    """Measure `dagfactory/` and `trainer/`; print the figures and every miss."""
    spans: list[tuple[int, str]] = []
    misses: list[str] = []
    files = sorted([*ROOT.glob("dagfactory/**/*.py"), *ROOT.glob("trainer/**/*.py")])
    for path in files:
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        if text.count("\n") > FILE[name.partition("/")[0]]:
            misses.append(f"{name}: {text.count(chr(10))} lines")
        spans += [(size, f"{name}:{where}") for size, where in functions(text)]
    sizes = sorted(size for size, _ in spans)
    median, ninety = statistics.median(sizes), sizes[int(0.9 * len(sizes))]
    misses += [f"{where}: {size} lines" for size, where in spans if size > LONGEST]
    print(
        f"{len(files)} files, {len(spans)} functions: median {median:g} lines, "
        f"90 % within {ninety}, longest {sizes[-1]}"
    )
    for miss in misses:
        print(f"  over the bar: {miss}")
    return int(bool(misses) or median > MEDIAN or ninety > MOST)


def functions(text: str) -> list[tuple[int, str]]:
    """Return (lines, `line name`) of every function in a source text."""
    return [
        (node.end_lineno - node.lineno + 1, f"{node.lineno} {node.name}")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


if __name__ == "__main__":
    sys.exit(main())
