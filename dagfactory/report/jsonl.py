"""Findings for programs that read line by line: one JSON object per finding, in ASCII."""

from __future__ import annotations

import json

from dagfactory.report import Findings, Style
from dagfactory.report.json import SCHEMA_VERSION, finding


def text(findings: Findings, style: Style) -> str:  # noqa: ARG001
    """Return one line per finding; all of them, whatever the limit."""
    rows = ({"schema_version": SCHEMA_VERSION, **finding(each)} for each in findings.diagnostics)
    return "".join(json.dumps(row) + "\n" for row in rows)
