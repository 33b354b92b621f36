"""Bring a DAG folder back to an earlier version."""

from __future__ import annotations

from typing import Any

import click

from dagfactory.cli import _deploy


@click.command("rollback")
@click.argument("version", metavar="N", type=click.IntRange(1))
@_deploy.environment
@_deploy.to
@click.option("--dry-run", is_flag=True, help="Change nothing; show the plan.")
@click.option("--yes", is_flag=True, help="Agree to what a sync stops at, e.g. many deletions.")
@_deploy.arrival
@_deploy.verify
def command(verify: bool, **options: Any) -> int:
    """Bring the DAG folder of an environment back to version N of `dagfactory history`.

    That is a new version. The next sync of a commit says that the folder is rolled back, and wants
    `--yes`.
    """
    from dagfactory.deploy.past import RollbackOptions, rollback

    return rollback(RollbackOptions(verify=_deploy.asker(verify=verify), **options))
