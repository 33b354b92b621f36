"""`dagfactory up`: keep Airflow and the emulator warm, so that `run` starts sooner."""

from pathlib import Path

import click


@click.command(name="up")
@click.option("--stop", is_flag=True, help="End it.")
@click.option(
    "--idle",
    default="30m",
    show_default=True,
    metavar="DURATION",
    help="End it after this long without a run.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".dagfactory"),
    show_default=True,
    help="Whose Airflow: the folder that `run` uses.",
)
def command(state: Path, *, stop: bool, idle: str) -> int:
    """Keep an Airflow in the background that `dagfactory run` finds and uses.

    One per project. A run gets a scheduler, a triggerer and an emulator of its own.

    Exit codes: 0 it is up, or stopped; 1 it did not start; 2 another run has the project, or there is
    nothing to stop.
    """
    from dagfactory.run.warm.command import up

    return up(state, stop=stop, idle=idle)
