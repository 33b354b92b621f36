"""Reports of findings: one module per format, found by listing this package.

A module's name is the format's name; it defines `text(findings, style) -> str`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, TextIO, cast

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.redact import masked, secret_kind
from dagfactory.diagnostics.source import Sources

WIDTH = 100
"""Columns a report uses at most."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was checked and what came out."""

    diagnostics: tuple[Diagnostic, ...]
    sources: Sources = field(default_factory=Sources)
    specs: int = 0
    tasks: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Keep secrets out of what is said; a message may quote a text of the user's."""
        object.__setattr__(self, "diagnostics", tuple(map(_discreet, self.diagnostics)))

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
    """Return the names of all formats, importing none."""
    found = Path(__file__).parent.glob("*.py")
    return sorted(each.stem for each in found if not each.stem.startswith("_"))


def load_format(name: str) -> Format:
    """Return the module of a format."""
    return cast("Format", import_module(f"{__name__}.{name}"))


def choose_format(environ: Mapping[str, str]) -> str:
    """Return the format for somebody who asked for none: annotations inside GitHub Actions."""
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


def _discreet(diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic without secrets of a known shape; nearly always the same object."""
    words = (diagnostic.message, diagnostic.help or "", *diagnostic.notes)
    if all(secret_kind(each) is None for each in words):
        return diagnostic
    message, help_, *notes = map(masked, words)
    return replace(diagnostic, message=message, help=help_ or None, notes=tuple(notes))


def summary(findings: Findings) -> str:
    """Return one line: what was checked, how it went and how long it took."""
    counts = [_counted(findings.count("error"), "error")]
    if findings.count("warning"):
        counts.append(_counted(findings.count("warning"), "warning"))
    what = f"{_counted(findings.specs, 'spec')}, {_counted(findings.tasks, 'task')}"
    return f"checked {what}: {', '.join(counts)} in {findings.seconds:.2f} s"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
