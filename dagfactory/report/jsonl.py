"""Findings for programs that read as it comes: one JSON object per line and finding."""

from __future__ import annotations

import json

from dagfactory.report import Findings, Style
from dagfactory.report.json import SCHEMA_VERSION, ascii_only, finding


def text(findings: Findings, style: Style) -> str:
    """Return one line per finding; all of them, whatever the limit."""
    return "".join(
        json.dumps(
            {"schema_version": SCHEMA_VERSION, **finding(each)}, ensure_ascii=ascii_only(style)
        )
        + "\n"
        for each in findings.diagnostics
    )
