"""Whether the secrets that jobs read are there, with a version to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from dagfactory.composer.checks import Line
from dagfactory.rest.errors import AnswerError

if TYPE_CHECKING:
    from dagfactory.composer.checks import Patient
    from dagfactory.composer.needs import SecretName
    from dagfactory.rest.google_client import GoogleClient

_URL = "https://secretmanager.googleapis.com/v1/projects/{}/secrets/{}/versions/latest"


def check(patient: Patient) -> Iterator[Line]:
    """Ask for the latest version of each, never for its value."""
    for secret in patient.needs.secrets:
        if has_version(patient.google, secret):
            yield Line(f"secret {secret.id} of {secret.project}")
        else:
            fix = f"gcloud secrets create {secret.id} --project {secret.project} --data-file FILE"
            yield Line(f"secret {secret.id} of {secret.project} has no version to read", fix)


def has_version(google: GoogleClient, secret: SecretName) -> bool:
    """Return whether a secret has a version that is enabled. Raises AnswerError."""
    try:
        found = google.get(_URL.format(quote(secret.project, safe=""), quote(secret.id, safe="")))
    except AnswerError as error:
        if error.is_missing:
            return False
        raise
    return str(found["state"]) == "ENABLED"
