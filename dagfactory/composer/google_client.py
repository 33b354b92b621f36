"""Google Cloud by REST, with the credentials of this machine."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dagfactory.composer.rest import AnswerError, send

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class GoogleClient:
    """Asks for one project's things; the token is fetched with the first question."""

    def __init__(self) -> None:
        self._token = ""

    @property
    def token(self) -> str:
        """Return the value of `Authorization`; raises AnswerError without credentials."""
        if not self._token:
            self._token = f"Bearer {_access_token()}"
        return self._token

    def get(self, url: str) -> Any:
        """Return the JSON at an address; raises AnswerError."""
        return send("GET", url, token=self.token)


def _access_token() -> str:
    try:
        # by name: the libraries come with `dagfactory[gcp]`, and most commands need none
        auth, transport = (
            import_module("google.auth"),
            import_module("google.auth.transport.requests"),
        )
    except ModuleNotFoundError:
        remedy = "pip install 'dagfactory[gcp]'"
        raise AnswerError(0, "Google's libraries are missing", remedy) from None
    errors = import_module("google.auth.exceptions")
    try:
        credentials, _ = auth.default(scopes=[_SCOPE])
        credentials.refresh(transport.Request())
    except errors.GoogleAuthError as error:
        remedy = "run `gcloud auth application-default login`"
        raise AnswerError(0, f"no Google credentials that work ({error})", remedy) from None
    return str(credentials.token)
