"""The options that commands of a deploy share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dagfactory.cli._complete import environments

if TYPE_CHECKING:
    from dagfactory.deploy.verified import Asker

environment = click.option(
    "--env",
    "environment",
    required=True,
    metavar="NAME",
    help="Environment of the destination.",
    shell_complete=environments,
)

environment_or_plan = click.option(
    "--env",
    "environment",
    default="",
    metavar="NAME",
    help="Environment to render for; that of PLAN if absent.",
    shell_complete=environments,
)

to = click.option(
    "--to",
    metavar="gs://BUCKET/dags/PREFIX|FOLDER",
    help="Destination; the environment's `dags:` if absent.",
)

arrival = click.option(
    "--arrival",
    metavar="SECONDS",
    type=click.FloatRange(0, 3600),
    default=60.0,
    show_default=True,
    help="How long new code has to reach Airflow from a bucket before DAGs that name it follow.",
)

verify = click.option(
    "--verify",
    is_flag=True,
    help="Compare all files afterwards, and wait until the environment's Airflow has parsed the DAGs.",
)


def asker(*, verify: bool) -> Asker | None:
    """Return what asks an Airflow, None where nothing is to be verified."""
    if not verify:
        return None
    from dagfactory.composer.airflow_client import AirflowClient

    return AirflowClient
