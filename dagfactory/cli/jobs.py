"""List or cancel the jobs that tasks have launched."""

from __future__ import annotations

from typing import Any

import click

from dagfactory.cli._complete import environments


@click.command("jobs")
@click.option(
    "--env",
    "environment",
    required=True,
    metavar="NAME",
    help="Environment whose project to look in.",
    shell_complete=environments,
)
@click.option("--pipeline", metavar="NAME", help="Only jobs of this pipeline.")
@click.option("--run", metavar="ID", help="Only jobs of this run, by Airflow's run id.")
@click.option("--all", "every", is_flag=True, help="Also jobs that have ended.")
@click.option("--cancel", is_flag=True, help="Cancel the jobs that wait or run.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="REGION",
    help="Look here; the environment's and those that specs name if absent.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print the list.",
)
def command(**options: Any) -> int:
    """List the jobs on Vertex AI that the tasks of an environment have launched.

    They are found by their labels: state, task, machine, how it was bought, region, and since when.
    A task whose job is cancelled here fails and is not retried.
    """
    from dagfactory.jobs.command import JobsOptions, jobs

    return jobs(JobsOptions(**options))
