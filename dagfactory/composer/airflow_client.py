"""Airflow's REST API at any address, version 2 (Airflow 3) or 1 (Airflow 2).

DAGFACTORY_AIRFLOW_TOKEN is a token for it, DAGFACTORY_AIRFLOW_LOGIN a USER:PASSWORD. Without both, an
address of Composer's is asked with the Google credentials of this machine.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from dagfactory.rest.errors import AnswerError
from dagfactory.rest.google_client import GoogleClient
from dagfactory.rest.send import send

TOKEN, LOGIN = "DAGFACTORY_AIRFLOW_TOKEN", "DAGFACTORY_AIRFLOW_LOGIN"
_OF_COMPOSER = ".composer.googleusercontent.com"


class AirflowClient:
    """The Airflow at an address, which tells by itself what it speaks."""

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        self.url, self._environ = url, environ

    @cached_property
    def version(self) -> str:
        """Return `v2` or `v1`."""
        try:
            send("GET", f"{self.url}/api/v2/version", token=self._given)
        except AnswerError as error:
            if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                return "v2"
            if not error.is_missing:
                raise
            return "v1"
        return "v2"

    def get(self, *path: str, **query: object) -> Any:
        """GET below the API; each part of the path is quoted. Raises AnswerError."""
        suffix = f"?{urlencode(query)}" if query else ""
        return send("GET", self._address(path) + suffix, token=self._token)

    def find(self, *path: str) -> Any:
        """GET that returns None where there is no such thing."""
        try:
            return self.get(*path)
        except AnswerError as error:
            if error.is_missing:
                return None
            raise

    def write(self, method: str, *path: str, body: Mapping[str, Any]) -> Any:
        """POST or PATCH a JSON body. Raises AnswerError."""
        return send(method, self._address(path), token=self._token, body=body)

    def _address(self, path: tuple[str, ...]) -> str:
        parts = "/".join(quote(part, safe="") for part in path)
        return f"{self.url}/api/{self.version}/{parts}"

    @cached_property
    def _given(self) -> str | None:
        """Return the token that needs no login, if there is one."""
        if self._environ.get(TOKEN):
            return f"Bearer {self._environ[TOKEN]}"
        on_composer = (urlsplit(self.url).hostname or "").endswith(_OF_COMPOSER)
        if not on_composer or self._environ.get(LOGIN):
            return None
        with GoogleClient() as google:
            return google.token

    @cached_property
    def _token(self) -> str | None:
        login = self._environ.get(LOGIN)
        if self._given or not login:
            return self._given
        if self.version == "v1":
            return f"Basic {base64.b64encode(login.encode()).decode()}"
        user, _, password = login.partition(":")
        body = {"username": user, "password": password}
        answer = send("POST", f"{self.url}/auth/token", body=body)
        if not isinstance(answer, dict) or "access_token" not in answer:
            raise AnswerError(0, f"{self.url} took the login and gave no token")
        return f"Bearer {answer['access_token']}"
