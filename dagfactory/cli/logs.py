"""Show the log of a job."""

from __future__ import annotations

from typing import Any

import click

from dagfactory.cli._complete import environments


@click.command("logs")
@click.argument("what", metavar="TASK|JOB")
@click.option(
    "--env",
    "environment",
    required=True,
    metavar="NAME",
    help="Environment whose project to look in.",
    shell_complete=environments,
)
@click.option("--pipeline", metavar="NAME", help="Pipeline of the task, where several have it.")
@click.option(
    "--run", metavar="ID", help="Run of the task, by Airflow's run id; the newest job if absent."
)
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="Look here; the environment's and those that specs name if absent.",
)
def command(**options: Any) -> int:
    """Print the log of a job on Vertex AI, by Cloud Logging.

    TASK is a task's id (search.trials, search.trials[3]) and stands for its newest job, JOB is the
    number that `dagfactory jobs` shows.
    """
    from dagfactory.jobs.command import LogsOptions, logs

    return logs(LogsOptions(**options))
