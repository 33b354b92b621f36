"""Findings for programs: one JSON object with a `schema_version`."""

from __future__ import annotations

import json
from typing import Any

from dagfactory.diagnostics.diagnostic import CODES, Diagnostic
from dagfactory.diagnostics.span import Span
from dagfactory.report import Findings, Style

SCHEMA_VERSION = 1
"""Version of this format and of `jsonl`; it changes when a reader of the old one would fail."""


def text(findings: Findings, style: Style) -> str:
    """Return the whole report; all findings, whatever the limit."""
    report = {
        "schema_version": SCHEMA_VERSION,
        "specs": findings.specs,
        "tasks": findings.tasks,
        "errors": findings.count("error"),
        "warnings": findings.count("warning"),
        "findings": [finding(each) for each in findings.diagnostics],
    }
    return json.dumps(report, indent=2, ensure_ascii=ascii_only(style)) + "\n"


def ascii_only(style: Style) -> bool:
    """Return whether the reader may be unable to show anything but ASCII."""
    return style.encoding.lower().replace("-", "") != "utf8"


def finding(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one finding as plain data, without any text of the source."""
    return {
        "code": diagnostic.code,
        "name": CODES[diagnostic.code].name,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "place": _place(diagnostic.span),
        "help": diagnostic.help,
        "notes": list(diagnostic.notes),
        "labels": [{"text": each.text, "place": _place(each.span)} for each in diagnostic.labels],
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
