"""Render specs into a folder of DAG files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dagfactory.cli._complete import environments


@click.command("render")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--env",
    "environment",
    shell_complete=environments,
    help="Environment to render for.",
    metavar="NAME",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the bundle; build/NAME if absent.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the folder is not current.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the DAG files; write nothing.")
@click.option(
    "--no-cache", is_flag=True, help="Compile every spec, also those that did not change."
)
def command(
    paths: tuple[Path, ...],
    environment: str | None,
    out: Path | None,
    check: bool,
    diff: bool,
    to_stdout: bool,
    no_cache: bool,
) -> int:
    """Render PATHS (files or folders, `specs/` if none) into a bundle: everything `dags/` needs.

    The bundle holds one DAG file per spec, the runtime as a package named after its content,
    `.airflowignore` and a manifest. The same specs always give the same bytes.
    """
    from dagfactory.compiler.build import build
    from dagfactory.compiler.bundle.bundle import compare, write
    from dagfactory.compiler.record import Record
    from dagfactory.project.files import plainly
    from dagfactory.project.specs import SPECS, find_specs
    from dagfactory.report import print_findings

    folder = out or Path("build", environment or "dags")
    record = None if no_cache else Record("render", environment)
    built = build(find_specs(paths or (SPECS,)), environment, record)
    if print_findings(built.diagnostics, built.sources) or built.bundle is None:
        return 1
    if to_stdout:
        sys.stdout.write("".join(built.bundle.dags.values()))
        return 0
    if check or diff:
        with plainly():
            difference = compare(built.bundle, folder)
        if diff:
            sys.stdout.write(difference.text(built.bundle, folder))
        sys.stderr.write(f"{folder}: {difference.summary()}\n")
        return 1 if difference else 0
    sys.stderr.write(f"{folder}: {write(built.bundle, folder).summary()}\n")
    return 0
