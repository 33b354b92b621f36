"""Whether Airflow has read every pipeline, and no file of DAGs is broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.composer.checks import Line

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient


def check(patient: Patient) -> Iterator[Line]:
    """List import errors, then look for the DAG of each spec."""
    client = patient.airflow
    if client is None:
        return
    broken = client.get("importErrors", limit=100)["import_errors"]
    for each in broken:
        reason = str(each["stack_trace"]).strip().splitlines()[-1:] or [""]
        fix = "repair the file, or remove it from the bucket"
        yield Line(f"{each['filename']} cannot be imported: {reason[0]}", fix)
    if not broken:
        yield Line("no file of DAGs is broken")
    for plan in patient.plans:
        name = plan.pipeline.pipeline
        found = client.find("dags", name)
        if found is None or not _is_there(found):
            fix = f"dagfactory sync --env {patient.environment.environment}"
            yield Line(f"DAG {name} is not there", fix)
        else:
            yield Line(f"DAG {name}")


def _is_there(found: dict[str, object]) -> bool:
    """Return whether a DAG's file is still there: Airflow keeps the record of one that is gone."""
    return not found.get("is_stale") and found.get("is_active", True) is True
