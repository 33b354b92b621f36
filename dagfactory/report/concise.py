"""Findings on one line each, as editors and grep read them: `file:line:column: message`."""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.terminal import safe
from dagfactory.report import Findings, Style


def text(findings: Findings, style: Style) -> str:
    """Return one line per finding."""
    return "".join(f"{safe(_line(each), style.encoding)}\n" for each in findings.diagnostics)


def _line(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    place = f"{span.file}:{span.line}:{span.column}: " if span else ""
    remedy = f" ({diagnostic.help})" if diagnostic.help else ""
    return f"{place}{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}{remedy}"
