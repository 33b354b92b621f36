"""List the pipelines of a project and their tasks."""

from __future__ import annotations

from pathlib import Path

import click

from dagfactory.cli._complete import environments


@click.command("ls")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    shell_complete=environments,
    help="Environment; the first one if absent.",
    metavar="NAME",
)
@click.option(
    "--select",
    multiple=True,
    metavar="KEY:VALUE",
    help="tag:, type:, name: or state:, with * in values. Repeat it: keys all hold, of values one.",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the list.",
)
def command(
    paths: tuple[Path, ...], environment: str | None, select: tuple[str, ...], name: str
) -> int:
    """List pipelines and tasks, of PATHS or of `specs/`.

    `--select type:sweep` lists the sweeps, `type:pipeline` the pipelines alone, `state:modified` and
    `state:new` what a sync to the environment would change.
    """
    from dagfactory.authoring.inventory import ListOptions, show
    from dagfactory.deploy.changes.command import states

    return show(ListOptions(paths, environment, select, name), states)
