"""Bring a bucket or folder of DAGs to what the specs say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dagfactory.cli import _deploy


@click.command("sync")
@click.argument("paths", metavar="[PLAN | PATHS]...", nargs=-1, type=click.Path(path_type=Path))
@_deploy.environment_or_plan
@_deploy.to
@click.option("--dry-run", is_flag=True, help="Change nothing; show the plan.")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when there is a difference.")
@click.option("--diff", is_flag=True, help="Show the changes of files as text, too.")
@click.option("--yes", is_flag=True, help="Agree to what a sync stops at, e.g. many deletions.")
@_deploy.arrival
@_deploy.verify
def command(paths: tuple[Path, ...], environment: str, verify: bool, **options: Any) -> int:
    """Render PATHS (`specs/` if none) for an environment and bring its DAG folder to the result.

    PLAN is the file that `dagfactory plan --out plan.json` wrote: exactly that plan is carried out, or
    nothing where the specs or the folder are not as they were.

    Only what changed is uploaded; only files of an earlier sync are changed or deleted, pipelines
    that PATHS do not hold among them. The plan goes to standard output.
    """
    from dagfactory.deploy.command import SyncOptions, sync

    plan = next((each for each in paths if each.suffix == ".json"), None)
    if plan is None and not environment:
        raise click.UsageError("Missing option '--env'.")
    specs = tuple(each for each in paths if each != plan)
    ask = _deploy.asker(verify=verify)
    return sync(SyncOptions(specs, environment, plan=plan, verify=ask, **options))
