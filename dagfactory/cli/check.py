"""Check specs without writing anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dagfactory import report
from dagfactory.cli._complete import environments

if TYPE_CHECKING:
    from dagfactory.compiler.record import Record


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--env",
    "environment",
    help="Check for this environment only.",
    metavar="NAME",
    shell_complete=environments,
)
@click.option(
    "--format",
    "name",
    type=click.Choice(report.formats()),
    help="Form of the report.",
)
@click.option("--limit", default=20, show_default=True, help="Findings to print; 0 for all.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until ^C.")
@click.option(
    "--no-cache", is_flag=True, help="Compile every spec, also those that did not change."
)
def command(
    paths: tuple[Path, ...],
    environment: str | None,
    name: str | None,
    limit: int,
    watch: bool,
    no_cache: bool,
) -> int:
    """Load, resolve, validate and plan PATHS (files or folders, `-` for standard input).

    Without PATHS it checks `specs/`, without --env every environment there is.
    """
    from dagfactory.project.specs import SPECS

    chosen = paths or (SPECS,)
    style = report.style_for(sys.stdout, os.environ, limit)
    name = name or report.choose_format(os.environ)
    if not watch:
        return _check(chosen, environment, name, style, no_cache=no_cache)
    if Path("-") in chosen:
        raise click.UsageError("standard input cannot be watched")
    from dagfactory.authoring.watch import changes
    from dagfactory.diagnostics.diagnostic import DagfactoryError

    for _ in changes(chosen):
        try:
            _check(chosen, environment, name, style, no_cache=no_cache)
        except DagfactoryError as error:
            sys.stderr.write(f"error: {error}\n")
    return 0


def _check(
    paths: tuple[Path, ...],
    environment: str | None,
    name: str,
    style: report.Style,
    *,
    no_cache: bool,
) -> int:
    """Check once and report; 1 when there is an error."""
    from dagfactory.compiler.check import check_specs
    from dagfactory.project.specs import find_specs

    record = None if no_cache else _record(environment)
    findings = check_specs(find_specs(paths), environment, record)
    sys.stdout.write(report.load_format(name).text(findings, style))
    sys.stdout.flush()
    sys.stderr.write(report.summary(findings, style) + "\n")
    return 1 if findings.count("error") else 0


def _record(environment: str | None) -> Record:
    from dagfactory.compiler.record import Record

    return Record("check", environment)
