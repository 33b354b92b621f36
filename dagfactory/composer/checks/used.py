"""Whether connections and variables that the specs use are anywhere: in Airflow or in Secret Manager."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from dagfactory.composer.checks import Line
from dagfactory.composer.checks.secrets import has_version
from dagfactory.composer.contents import KINDS, Kind, declared
from dagfactory.composer.needs import SecretName

if TYPE_CHECKING:
    from dagfactory.composer.airflow_client import AirflowClient
    from dagfactory.composer.checks import Patient


def check(patient: Patient) -> Iterator[Line]:
    """Look for what no file declares."""
    client = patient.airflow
    if client is None:
        return
    _, variables, connections = KINDS
    yield from _kind(patient, client, variables, patient.needs.variables)
    yield from _kind(patient, client, connections, patient.needs.connections)


def _kind(
    patient: Patient, client: AirflowClient, kind: Kind, keys: Iterable[str]
) -> Iterator[Line]:
    known = declared(patient.environment)[kind]
    for key in keys:
        secret = SecretName(patient.environment.project, f"airflow-{kind.path}-{key}")
        if key in known:
            continue
        if client.find(kind.path, key) is not None:
            yield Line(f"{kind.noun} {key} is in Airflow")
        elif has_version(patient.google, secret):
            yield Line(f"{kind.noun} {key} is in Secret Manager")
        else:
            fix = f"gcloud secrets create {secret.id} --project {secret.project} --data-file FILE"
            yield Line(f"{kind.noun} {key}, which specs use, is nowhere", fix)
