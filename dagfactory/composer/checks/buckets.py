"""Whether the buckets are there, where they should be, and open to this account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from dagfactory.composer.checks import Line
from dagfactory.composer.infrastructure import dags_bucket
from dagfactory.rest.errors import AnswerError

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient

_URL = "https://storage.googleapis.com/storage/v1/b/"
_READ = ("storage.objects.get", "storage.objects.list")
_WRITE = ("storage.objects.create", "storage.objects.delete")
_CONTINENTS = {"US": "us-", "EU": "europe-", "ASIA": "asia-"}


def check(patient: Patient) -> Iterator[Line]:
    """Look at the buckets of runs and of DAGs, and at those that specs name."""
    environment = patient.environment
    own = {environment.bucket.removeprefix("gs://"), dags_bucket(environment)} - {None}
    for name in sorted({*patient.needs.buckets, *filter(None, own)}):
        found = _bucket(patient, name)
        if found is None:
            place = f"--project {environment.project} --location {environment.region}"
            fix = f"gcloud storage buckets create gs://{name} {place}"
            yield Line(f"bucket {name} is not there", fix)
        elif name in own and not _is_near(str(found["location"]), environment.region):
            fix = f"write its region into the file, or move it to {environment.region}"
            yield Line(
                f"bucket {name} is in {found['location']}, jobs in {environment.region}", fix
            )
        else:
            yield from _access(patient, name, (*_READ, *_WRITE) if name in own else _READ)


def _bucket(patient: Patient, name: str) -> dict[str, Any] | None:
    try:
        return dict(patient.google.get(_URL + quote(name, safe="")))
    except AnswerError as error:
        if error.is_missing:
            return None
        raise


def _is_near(location: str, region: str) -> bool:
    """Return whether a bucket is in a region, or in the continent around it."""
    if location.lower() == region:
        return True
    return region.startswith(_CONTINENTS.get(location.upper(), location.lower() + "/"))


def _access(patient: Patient, name: str, wanted: tuple[str, ...]) -> Iterator[Line]:
    query = urlencode({"permissions": wanted}, doseq=True)
    url = f"{_URL}{quote(name, safe='')}/iam/testPermissions?{query}"
    given = patient.google.get(url).get("permissions", [])
    missing = [each for each in wanted if each not in given]
    if missing:
        fix = f"grant {', '.join(missing)} on gs://{name}"
        yield Line(f"bucket {name} is not open to this account", fix)
    else:
        yield Line(f"bucket {name}")
