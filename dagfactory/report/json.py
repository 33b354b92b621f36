"""Findings for programs: one JSON object with a `schema_version`."""

from __future__ import annotations

import json
from typing import Any

from dagfactory.diagnostics import CODES, Diagnostic
from dagfactory.report import Findings, Style
from dagfactory.source import Span


def text(findings: Findings, style: Style) -> str:
    """Return the whole report; all findings, whatever the limit."""
    report = {
        "schema_version": 1,
        "specs": findings.specs,
        "tasks": findings.tasks,
        "errors": findings.count("error"),
        "warnings": findings.count("warning"),
        "findings": [_finding(each) for each in findings.diagnostics],
    }
    ascii_only = style.encoding.lower().replace("-", "") != "utf8"
    return json.dumps(report, indent=2, ensure_ascii=ascii_only) + "\n"


def _finding(diagnostic: Diagnostic) -> dict[str, Any]:
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
