"""Printing findings on stderr from any command, in the form that fits where the output goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dagfactory import report

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.source import SourceFile


def show(diagnostics: Iterable[Diagnostic], sources: tuple[SourceFile, ...]) -> bool:
    """Print findings on stderr; say whether one of them is an error."""
    from dagfactory.diagnostics.source import Sources

    findings = report.Findings(tuple(diagnostics), Sources(sources))
    style = report.style_for(sys.stderr, os.environ)
    name = report.choose_format(os.environ)
    sys.stderr.write(report.load_format(name).text(findings, style))
    return findings.count("error") > 0
