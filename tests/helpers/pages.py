"""Reading the pages of docs/: their fences, the commands in them, and output compared with `…`."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import processes
from paths import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ANY = "…"

_FENCE = re.compile(
    r"^(?P<pad> *)```(?P<info>[^`\n]*)\n(?P<text>.*?)^(?P=pad)```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(r"# (\S+\.(?:yaml|py))(, at the end)?\n")


@dataclass(frozen=True)
class Fence:
    info: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """One thing a reader does: write (or append to) a file, or type a command and see its output."""

    line: int
    command: str = ""
    output: str = ""
    slow: bool = False
    file: str = ""
    append: bool = False


def fences(page):
    text = page.read_text(encoding="utf-8")
    return [
        Fence(tuple(found["info"].split()), found["text"], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
    ]


def steps(page):
    """A `console` fence is typed, `$ ` before each command; one that names its file is written."""
    for fence in fences(page):
        if fence.info[:1] in (("yaml",), ("python",)) and (found := _FILE.match(fence.text)):
            yield Step(fence.line, output=fence.text, file=found[1], append=bool(found[2]))
        elif fence.info[:1] == ("console",):
            yield from _commands(fence)


def _commands(fence):
    assert fence.text.startswith("$ "), f"line {fence.line}: a console block begins with a command"
    for part in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Step(fence.line, command, output, slow="slow" in fence.info)


def perform(step, folder):
    """Do what the step says and compare; AssertionError with both outputs when they differ."""
    if step.file:
        path = folder / step.file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if step.append else "w", encoding="utf-8") as stream:
            stream.write(step.output)
        return
    done = processes.run(
        ["bash", "-c", step.command],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=280,
        check=False,
    )
    assert matches(step.output, done.stdout), (
        f"line {step.line}: $ {step.command}\n--- the page\n{step.output}--- the command\n{done.stdout}"
    )


def _environment():
    """As a reader's shell: the commands of this installation, output in the order it was written."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "PYTHONUNBUFFERED": "1", "COLUMNS": "120", "LC_ALL": "C.UTF-8"}


def matches(expected, actual):
    """Whether texts are equal but for `…`: alone on a line any lines, elsewhere any text of a line.

    Runs of spaces count as one (columns are as wide as what stands in them).
    """
    lines = [re.sub(r" +", " ", line.rstrip()) for line in expected.rstrip("\n").splitlines()]
    pattern = "".join(
        r"(?:.*\n)*?" if line == ANY else re.escape(line).replace(ANY, ".*") + r"\n"
        for line in lines
    )
    shown = "".join(f"{re.sub(' +', ' ', line.rstrip())}\n" for line in actual.splitlines())
    return re.fullmatch(pattern, shown) is not None
