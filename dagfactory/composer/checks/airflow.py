"""Whether Airflow answers, is well, and is the one that the DAGs are written for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.composer.airflow_client import LOGIN, AirflowClient
from dagfactory.composer.checks import Line

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient

_PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def check(patient: Patient) -> Iterator[Line]:
    """Ask for the version and for the health of each part."""
    environment = patient.environment
    if environment.airflow_url is None:
        yield Line("Airflow's address is not known", "write `airflow: {url: https://…}`")
        return
    client = patient.airflow
    if client is None:
        # asked once more, for the reason
        AirflowClient(environment.airflow_url).get("dags", limit=1)
        yield Line("Airflow did not answer at first, and now does", "run doctor again")
        return
    yield from _version(patient, client)
    yield from _health(client)


def _version(patient: Patient, client: AirflowClient) -> Iterator[Line]:
    version = str(client.get("version")["version"])
    target = patient.environment.target
    if f"airflow{version.partition('.')[0]}" != target:
        fix = f"write `target: airflow{version.partition('.')[0]}`, or update Airflow"
        yield Line(f"Airflow {version} is not one for `target: {target}`", fix)
    composer = patient.environment.composer
    wanted = composer.airflow if composer else None
    if wanted and not f"{version}.".startswith(f"{wanted}."):
        yield Line(f"Airflow {version} is not the {wanted} of the image", "update the environment")
    else:
        yield Line(f"Airflow {version} answers at {client.url}")


def _health(client: AirflowClient) -> Iterator[Line]:
    path = ("monitor", "health") if client.version == "v2" else ("health",)
    found = client.get(*path)
    for part in _PARTS:
        status = (found.get(part) or {}).get("status")
        # a part that does not run by itself has no status
        if status is not None and status != "healthy":
            fix = f"look into the log of the {part.replace('_', ' ')}"
            yield Line(f"the {part.replace('_', ' ')} is {status}", fix)
        elif status:
            yield Line(f"the {part.replace('_', ' ')} is healthy")


def hint(status: int) -> str:
    """Return what to do about an Airflow that does not answer as it should."""
    if status in (302, 401, 403):
        return f"log in to Google, or set {LOGIN}=USER:PASSWORD; the user needs the role Op"
    return "check `airflow.url`, and whether its web server runs"
