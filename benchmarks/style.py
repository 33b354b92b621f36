"""Sizes of functions and files, and comments, against the project's bars; exits 1 when one is missed.

Bars: median function at most 9 lines, 90 % at most 30, none over 60, no file over 400 (over 600 in
the trainer, whose files are read from top to bottom); at least 2 comments per 100 lines where the
reasons for a line lie outside of it (Airflow, Vertex AI, YAML).
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
import tokenize
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEDIAN, MOST, LONGEST = 9, 30, 60
FILE = {"dagfactory": 400, "trainer": 600}
COMMENTED, FEWEST = ("compiler", "runtime", "run"), 2
_MARKER = re.compile(r"#\s*(?:noqa|type:|pragma:|ruff:|mypy:)")
"""Comments for a tool, which tell a reader nothing."""


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
    for room in COMMENTED:
        rate = comment_rate(sorted(ROOT.glob(f"dagfactory/{room}/**/*.py")))
        print(f"dagfactory/{room}: {rate:.1f} comments per 100 lines")
        misses += [f"dagfactory/{room}: {rate:.2f} comments"] if rate < FEWEST else []
    for miss in misses:
        print(f"  misses the bar: {miss}")
    return int(bool(misses) or median > MEDIAN or ninety > MOST)


def functions(text: str) -> list[tuple[int, str]]:
    """Return (lines, `line name`) of every function in a source text."""
    return [
        (node.end_lineno - node.lineno + 1, f"{node.lineno} {node.name}")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    ]


def comment_rate(paths: list[Path]) -> float:
    """Return the comments per 100 lines of some files; markers for tools do not count."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    lines = sum(text.count("\n") for text in texts)
    return 100 * sum(map(comments, texts)) / max(1, lines)


def comments(text: str) -> int:
    """Count the comments of a source text, one of several lines as one."""
    found, last = 0, 0
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type == tokenize.COMMENT and not _MARKER.match(token.string):
            row = token.start[0]
            alone = token.line.lstrip().startswith("#")
            found += not (alone and row == last + 1)
            last = row if alone else 0
    return found


if __name__ == "__main__":
    sys.exit(main())
