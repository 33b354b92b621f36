"""Show the log of a task or of a job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dagfactory.cli._complete import environments


@click.command("logs")
@click.argument("what", metavar="TASK|JOB")
@click.option(
    "--env",
    "environment",
    metavar="NAME",
    help="Environment whose project to look in; the runs of this machine if absent.",
    shell_complete=environments,
)
@click.option("--pipeline", metavar="NAME", help="Pipeline of the task, where several have it.")
@click.option(
    "--run", metavar="ID", help="Run of the task, by Airflow's run id; the newest one if absent."
)
@click.option(
    "--follow", "-f", is_flag=True, help="Go on until the job, or the task here, has ended."
)
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="Look here; the environment's and those that specs name if absent.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".dagfactory"),
    show_default=True,
    help="The folder that `run` uses, where there is no --env.",
)
def command(regions: tuple[str, ...], state: Path, **options: Any) -> int:
    """Print the log of a task of `dagfactory run`, or with --env that of a job on Vertex AI.

    TASK is a task's id (search.trial, search.trial[3]). With --env it stands for its newest job, JOB is
    the number that `dagfactory jobs` shows.
    """
    if options["environment"]:
        from dagfactory.jobs.command import LogsOptions, logs

        return logs(LogsOptions(**options, regions=regions))
    from dagfactory.run.local_logs import LocalLogsOptions, local_logs

    del options["environment"]
    return local_logs(LocalLogsOptions(**options, state=state))
