"""Start a project that checks, renders and runs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

_NEXT = """
Next:
{cd}  dagfactory check
  dagfactory render --env local
  dagfactory run specs/first.yaml
"""


@click.command("init")
@click.argument(
    "folder",
    metavar="[DIR]",
    default=Path(),
    type=click.Path(file_okay=False, path_type=Path),
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "cloudbuild"]),
    default="github",
    show_default=True,
    help="What checks, plans and syncs the specs.",
)
def command(folder: Path, ci: str) -> int:
    """Write a first pipeline, environments, an editor schema and a workflow into DIR (here if none).

    What exists is kept: nothing is ever overwritten.
    """
    from dagfactory.authoring.scaffold import scaffold

    for each in scaffold(folder, ci):
        sys.stdout.write(f"{'created' if each.created else 'kept   '} {each.path}\n")
    cd = "" if folder == Path() else f"  cd {shlex.quote(str(folder))}\n"
    sys.stdout.write(_NEXT.format(cd=cd))
    return 0
