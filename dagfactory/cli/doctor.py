"""Compare a live environment with what the specs want of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dagfactory.cli._complete import environments


@click.command("doctor")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    required=True,
    metavar="NAME",
    help="Environment to look at.",
    shell_complete=environments,
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the report.",
)
def command(**options: Any) -> int:
    """Look whether the environment NAME has what the specs in PATHS (`specs/` if none) want of it.

    A line for each thing, with the repair where one is needed; exit code 1 then. Nothing is changed.
    """
    from dagfactory.composer.doctor import DoctorOptions, doctor

    return doctor(DoctorOptions(**options))
