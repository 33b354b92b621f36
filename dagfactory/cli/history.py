"""List the versions of a DAG folder: who brought what, and when."""

from __future__ import annotations

import click

from dagfactory.cli import _deploy


@click.command("history")
@_deploy.environment
@_deploy.to
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "json"]),
    default="human",
    show_default=True,
    help="JSON has every file with its hash.",
)
def command(environment: str, to: str | None, form: str) -> int:
    """List the versions that syncs and rollbacks have made, the newest first; `*` is in force."""
    from dagfactory.deploy.past import history

    return history(environment, to, form)
