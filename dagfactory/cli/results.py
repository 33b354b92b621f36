"""What runs have brought: a table, JSON, or a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


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
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".dagfactory"),
    show_default=True,
    help="Where `dagfactory run` keeps its things.",
)
def command(**options: Any) -> int:
    """Print what each RUN has brought: trials with the winner first, tasks, gates, hours, dollars.

    RUN is a run's folder, here or gs://BUCKET/runs/PIPELINE/RUN; without one it is the last run that
    `dagfactory run` has made. Several are shown side by side.
    """
    from dagfactory.results.command import ResultsOptions, results

    return results(ResultsOptions(**options))
