"""List what a sweep will run."""

from __future__ import annotations

import click

from dagfactory.cli._complete import environments


@click.command("trials")
@click.argument("spec", metavar="SPEC[:TASK]")
@click.option(
    "--env",
    "environment",
    shell_complete=environments,
    help="Environment whose prices hold; the first one if absent.",
    metavar="NAME",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the list.",
)
@click.option("--limit", default=100, show_default=True, help="Trials to list; 0 for all.")
def command(spec: str, environment: str | None, name: str, limit: int) -> int:
    """Print the trials of the sweeps in SPEC, or of one, before any of them costs.

    Their ids, which name their folders, and parameters, in which job they train, and how many jobs, GPU
    hours and dollars they are together.
    """
    from dagfactory.authoring.trials import TrialsOptions, show

    path, _, task = spec.partition(":")
    return show(TrialsOptions(path, task, environment, name, limit))
