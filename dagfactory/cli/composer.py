"""Render the Composer environment of an environment file, or bring to its Airflow what that holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dagfactory.cli._complete import environments
from dagfactory.composer import formats


@click.command("composer")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    required=True,
    metavar="NAME",
    help="Environment to render.",
    shell_complete=environments,
)
@click.option(
    "--format",
    "name",
    type=click.Choice(formats.names()),
    default="terraform",
    show_default=True,
    help="Form of the environment.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write a file there; standard output if absent.",
)
@click.option(
    "--apply",
    is_flag=True,
    help="Render nothing; bring pools, variables and connections of the file to its Airflow.",
)
def command(**options: Any) -> int:
    """Render the Composer environment NAME with what the specs in PATHS (`specs/` if none) need.

    The environment, accounts with a role of just the permissions that the specs use, policies.
    """
    from dagfactory.composer.command import ComposerOptions, composer

    return composer(ComposerOptions(**options))
