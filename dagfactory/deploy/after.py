"""What a sync leaves to somebody with other rights: bringing changed pools into Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagfactory.compiler.bundle.sidecars import POOLS

if TYPE_CHECKING:
    from dagfactory.deploy.plan import SyncPlan
    from dagfactory.language.environment import EnvironmentFile


def reminder(plan: SyncPlan, environment: EnvironmentFile | None, address: str) -> str:
    """Return the command that imports pools which this sync writes; nothing when it writes none."""
    if environment is None or POOLS not in (each.path for each in plan.writes):
        return ""
    if not address.startswith("gs://"):
        command = f"airflow pools import {address}/{POOLS}"
    else:
        folder = "/".join(("/home/airflow/gcs/dags", *environment.package.split(".")))
        command = (
            f"gcloud composer environments run {environment.composer or 'COMPOSER'}"
            f" --project {environment.project} --location {environment.region}"
            f" pools import -- {folder.rstrip('/')}/{POOLS}"
        )
    return f"{POOLS} has changed; Airflow has these pools after\n  {command}\n"
