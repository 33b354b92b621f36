"""`dagfactory run`: execute a pipeline here, in a real Airflow, against the local emulator."""

from pathlib import Path
from typing import Any

import click

from dagfactory.cli._complete import environments


@click.command(name="run")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--env",
    "environment",
    default="local",
    show_default=True,
    help="Environment to render for.",
    metavar="NAME",
    shell_complete=environments,
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a param of the run (JSON or text).",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SPEC",
    help="Let the emulator fail, e.g. stockout:1.",
)
@click.option(
    "--entrypoint",
    "entrypoints",
    multiple=True,
    metavar="GLOB=COMMAND",
    help="Run COMMAND for images without a command and for Dataflow templates that match GLOB.",
)
@click.option(
    "--approve",
    "approvals",
    multiple=True,
    metavar="TASK[=reject]",
    help="Answer the approval TASK; without it the terminal is asked, or the web UI.",
)
@click.option("--ui", is_flag=True, help="Leave Airflow's web UI up after the run, until ^C.")
@click.option("--fresh", is_flag=True, help="Forget earlier runs, their models and artifacts.")
@click.option(
    "--from",
    "from_task",
    metavar="TASK",
    help="Go on with the last run: TASK and what comes after it run again.",
)
@click.option(
    "--only", "only_task", metavar="TASK", help="Run this task of the last run again, no other."
)
@click.option("--rerun-failed", is_flag=True, help="Run again what the last run did not finish.")
@click.option("--force", is_flag=True, help="Keep what was made from something else, too.")
@click.option("--timeout", metavar="DURATION", help="Give up after this long, e.g. 30m.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".dagfactory"),
    show_default=True,
    help="Where the database, the artifacts and the logs go.",
)
def command(**options: Any) -> int:
    """Run the pipeline SPEC on this machine, from the rendered DAG to the trained model.

    SPEC is a spec, or a folder with one rendered DAG. Everything happens on the loopback: Airflow
    with its scheduler, and stand-ins for Vertex AI and Cloud Storage that start the real trainer.

    Exit codes: 0 the run succeeded, 1 it failed, 2 it could not be started, 130 it was interrupted.
    """
    from dagfactory.run.command import RunRequest, run

    return run(RunRequest(**options))
