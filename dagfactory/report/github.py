"""Findings as annotations of a pull request in GitHub Actions.

Syntax: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from dagfactory.diagnostics.diagnostic import CODES, Diagnostic
from dagfactory.diagnostics.terminal import safe
from dagfactory.report import Findings, Style

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def text(findings: Findings, style: Style) -> str:
    """Return one workflow command per finding."""
    return "".join(f"{_command(each, style)}\n" for each in findings.diagnostics)


def _command(diagnostic: Diagnostic, style: Style) -> str:
    title = f"{diagnostic.code} {CODES[diagnostic.code].name}"
    properties = {**_place(diagnostic), "title": title}
    joined = ",".join(
        f"{key}={_escape(safe(value, style.encoding), _PROPERTY)}"
        for key, value in properties.items()
    )
    parts = [diagnostic.message, diagnostic.help and f"help: {diagnostic.help}", *diagnostic.notes]
    message = "\n".join(safe(each, style.encoding) for each in parts if each)
    return f"::{diagnostic.severity} {joined}::{_escape(message, _DATA)}"


def _place(diagnostic: Diagnostic) -> dict[str, str]:
    span = diagnostic.span
    if span is None:
        return {}
    place = {"file": span.file, "line": str(span.line), "endLine": str(span.end_line)}
    if span.line == span.end_line:  # columns of a range over several lines are refused
        place |= {"col": str(span.column), "endColumn": str(max(span.column, span.end_column - 1))}
    return place


def _escape(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(each, each) for each in text)
