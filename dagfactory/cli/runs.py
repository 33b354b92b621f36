"""`dagfactory runs`: the earlier runs on this machine."""

from pathlib import Path

import click


@click.command(name="runs")
@click.argument("pipeline", required=False)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".dagfactory"),
    show_default=True,
    help="The folder that `run` uses.",
)
def command(pipeline: str | None, state: Path) -> int:
    """List the runs of `dagfactory run` that are remembered, of PIPELINE or of all, the newest first."""
    from dagfactory.run.runs import runs

    return runs(state, pipeline)
