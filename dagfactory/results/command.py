"""`dagfactory results` from its arguments to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dagfactory.project.files import plainly
from dagfactory.results.as_data import as_json
from dagfactory.results.cloud import Cloud
from dagfactory.results.gather import gather, newest
from dagfactory.results.html import html
from dagfactory.results.table import text


@dataclass(frozen=True, slots=True)
class ResultsOptions:
    """The arguments of `results`."""

    runs: Sequence[str]
    form: str
    page: Path | None
    state: Path
    cloud: Cloud | None = None


def results(options: ResultsOptions) -> int:
    """Print runs, or write their page; return the exit code. Raises DagfactoryError."""
    names = options.runs or [newest(options.state)]
    runs = [gather(each, options.state, options.cloud) for each in names]
    if options.page is not None:
        write(options.page, html(runs))
        sys.stdout.write(f"{options.page.resolve().as_uri()}\n")
    elif options.form == "json":
        sys.stdout.write(as_json(runs))
    else:
        sys.stdout.write(text(runs, sys.stdout.encoding))
    return 0


def write(path: Path, page: str) -> None:
    """Write a page; raises FileError where that is refused."""
    with plainly():
        path.write_text(page, encoding="utf-8")
