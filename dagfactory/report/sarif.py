"""Findings as SARIF 2.1.0, which code scanners and editors read.

Structure: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from dagfactory import __version__
from dagfactory.diagnostics.diagnostic import CODES, Diagnostic
from dagfactory.diagnostics.span import Span
from dagfactory.diagnostics.terminal import safe
from dagfactory.report import Findings, Style

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MANUAL = "docs/errors.md"


def text(findings: Findings, style: Style) -> str:  # noqa: ARG001
    """Return one log with one run, in ASCII; all findings, whatever the limit."""
    codes = sorted({each.code for each in findings.diagnostics})
    driver = {
        "name": "dagfactory",
        "version": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, codes.index(each.code)) for each in findings.diagnostics],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def anchor(code: str) -> str:
    """Return the address of a code's section in the manual, as rendered Markdown names it."""
    return f"{MANUAL}#{code.lower()}-{CODES[code].name}"


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in known.name.split("-")),
        "shortDescription": {"text": known.summary},
        "helpUri": anchor(code),
    }


def _result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    parts = [diagnostic.message, diagnostic.help and f"help: {diagnostic.help}"]
    parts += [f"note: {each}" for each in diagnostic.notes]
    made: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(safe(each, "utf-8") for each in parts if each)},
    }
    if diagnostic.span:
        made["locations"] = [{"physicalLocation": _place(diagnostic.span)}]
    if diagnostic.labels:
        made["relatedLocations"] = [
            {"physicalLocation": _place(each.span), "message": {"text": safe(each.text, "utf-8")}}
            for each in diagnostic.labels
        ]
    return made


def _place(span: Span) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(span.file)},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": max(span.end_column, span.column)
            if span.line == span.end_line
            else span.end_column,
        },
    }
