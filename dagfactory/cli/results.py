"""What runs have brought: a table, JSON, or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dagfactory.cli._complete import environments


@click.command("results")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="JSON has every trial with all its metrics.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page that needs no network, and print its address.",
)
@click.option(
    "--env",
    "environment",
    metavar="NAME",
    help="Environment whose project knows the jobs of a run in gs://: times, fallbacks, dollars.",
    shell_complete=environments,
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".dagfactory"),
    show_default=True,
    help="Where `dagfactory run` keeps its things.",
)
def command(environment: str | None, **options: Any) -> int:
    """Print what each RUN has brought: trials with the winner first, tasks, gates, hours, dollars.

    RUN is a run's folder, here or gs://BUCKET/runs/PIPELINE/RUN; without one it is the last run that
    `dagfactory run` has made. Several are shown side by side.
    """
    from dagfactory.jobs.place import place_of
    from dagfactory.results.cloud import Cloud
    from dagfactory.results.command import ResultsOptions, results

    place = place_of(environment) if environment else None
    cloud = Cloud(place.project, place.regions) if place else None
    return results(ResultsOptions(cloud=cloud, **options))
