"""The command that imports changed pools into Airflow; a sync itself only writes objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.bundle.sidecars import POOLS

if TYPE_CHECKING:
    from dagfactory.deploy.plan import SyncPlan
    from dagfactory.language.environment import EnvironmentFile


def pool_import_command(plan: SyncPlan, environment: EnvironmentFile | None, address: str) -> str:
    """Return the command that imports the pools which this sync writes; an empty text without any."""
    if environment is None or POOLS not in (each.path for each in plan.writes):
        return ""
    if not address.startswith("gs://"):
        command = f"airflow pools import {address}/{POOLS}"
    else:
        # The command runs on a worker of Composer, which mounts the bucket there.
        folder = "/".join(("/home/airflow/gcs/dags", *environment.package.split(".")))
        command = (
            f"gcloud composer environments run {environment.composer_name or 'COMPOSER'}"
            f" --project {environment.project} --location {environment.region}"
            f" pools import -- {folder.rstrip('/')}/{POOLS}"
        )
    return f"{POOLS} has changed; Airflow has these pools after\n  {command}\n"
