"""Secrets by name: DAGFACTORY_SECRETS says which, Secret Manager says what."""

import base64
import json
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from trainer.errors import TrainerError

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

VARIABLE = "DAGFACTORY_SECRETS"
ADDRESS = "https://secretmanager.googleapis.com/v1/{}:access"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SECONDS = 30


def load(environment: MutableMapping[str, str]) -> list[str]:
    """Put every secret into the environment; returns the variable names, never a value."""
    names = read_names(environment.get(VARIABLE))
    if not names:
        return []
    import google.auth
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import AuthorizedSession
    from requests import RequestException

    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        for variable, name in names.items():
            environment[variable] = access(session, name)
    except (GoogleAuthError, RequestException) as error:
        raise TrainerError(f"Secret Manager cannot be asked: {error}") from None
    return sorted(names)


def read_names(text: str | None) -> dict[str, str]:
    """`{variable: resource name}` from the JSON in DAGFACTORY_SECRETS."""
    if not text:
        return {}
    try:
        names = json.loads(text)
    except ValueError as error:
        raise TrainerError(f"{VARIABLE} is not JSON: {error}") from None
    if not isinstance(names, dict) or not all(isinstance(v, str) for v in names.values()):
        raise TrainerError(f"{VARIABLE} must map variables to secret versions")
    return names


def access(session: "AuthorizedSession", name: str) -> str:
    """Fetch the text of one secret version; the error names it and the status only."""
    response = session.get(ADDRESS.format(name), timeout=SECONDS)
    if not response.ok:
        raise TrainerError(f"secret {name} cannot be read: HTTP {response.status_code}")
    return base64.b64decode(response.json()["payload"]["data"]).decode()
