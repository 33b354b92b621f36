"""Output formats of findings: one module per format, found by listing this package.

A module's name is the format's name; it satisfies `Format`. It may import `diagnostics` only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, TextIO, cast

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.redact import masked, secret_kind
from dagfactory.diagnostics.source import SourceFile, Sources

WIDTH = 100
"""Columns a report uses at most."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The diagnostics of some specs, how much was checked, how long it took, what sweeps will run."""

    diagnostics: tuple[Diagnostic, ...]
    sources: Sources = field(default_factory=Sources)
    specs: int = 0
    tasks: int = 0
    seconds: float = 0.0
    sweeps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Mask secrets in every message."""
        # Here, so that no format can forget it: a message may quote a text of the user's.
        object.__setattr__(self, "diagnostics", tuple(map(_without_secrets, self.diagnostics)))

    def count(self, severity: str) -> int:
        """Return how many diagnostics have a severity."""
        return sum(each.severity == severity for each in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Style:
    """What the reader's terminal can show; `limit` 0 means that everything is listed."""

    color: bool = False
    encoding: str = "utf-8"
    width: int = WIDTH
    limit: int = 20


class Format(Protocol):
    """The interface of a module of this package."""

    def text(self, findings: Findings, style: Style) -> str:
        """Return the whole report, with a final line break unless it is empty."""


def formats() -> list[str]:
    """Return the names of all formats."""
    # by their files: `--help` lists them, and importing all of them would slow it down
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def load_format(name: str) -> Format:
    """Return the module of a format; raises ModuleNotFoundError for an unknown name."""
    return cast("Format", import_module(f"{__name__}.{name}"))


def choose_format(environ: Mapping[str, str]) -> str:
    """Return the default format: annotations inside GitHub Actions, else text for people."""
    return "github" if environ.get("GITHUB_ACTIONS") == "true" else "human"


def style_for(stream: TextIO, environ: Mapping[str, str], limit: int = 20) -> Style:
    """Return the style of a stream: NO_COLOR wins over FORCE_COLOR, and that over the terminal."""
    if environ.get("NO_COLOR"):
        color = False
    elif environ.get("FORCE_COLOR"):
        color = True
    else:
        color = stream.isatty() and environ.get("TERM") != "dumb"
    return Style(color=color, encoding=stream.encoding or "utf-8", limit=limit)


def _without_secrets(diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic with secrets of a known shape masked; the same object where there are none."""
    texts = (diagnostic.message, diagnostic.help or "", *diagnostic.notes)
    if all(secret_kind(each) is None for each in texts):
        return diagnostic
    message, help_, *notes = map(masked, texts)
    return replace(diagnostic, message=message, help=help_ or None, notes=tuple(notes))


def print_findings(diagnostics: Iterable[Diagnostic], sources: tuple[SourceFile, ...]) -> bool:
    """Print findings on standard error in the default format; return whether one is an error."""
    findings = Findings(tuple(diagnostics), Sources(sources))
    style = style_for(sys.stderr, os.environ)
    name = choose_format(os.environ)
    sys.stderr.write(load_format(name).text(findings, style))
    return findings.count("error") > 0


def summary(findings: Findings, style: Style) -> str:
    """Return what sweeps will run, and a line: what was checked, how many findings, how long it took."""
    counts = [_counted(findings.count("error"), "error")]
    if findings.count("warning"):
        counts.append(_counted(findings.count("warning"), "warning"))
    what = f"{_counted(findings.specs, 'spec')}, {_counted(findings.tasks, 'task')}"
    checked = f"checked {what}: {', '.join(counts)} in {findings.seconds:.2f} s"
    return "\n".join([*_sweeps(findings.sweeps, style), checked])


def _sweeps(lines: tuple[str, ...], style: Style) -> list[str]:
    shown = lines[: style.limit or len(lines)]
    hidden = len(lines) - len(shown)
    return [*shown, *([f"… and {_counted(hidden, 'sweep')} more"] if hidden else [])]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
