"""Airflow's REST API, version 2 (Airflow 3) or 1 (Airflow 2), as far as a run needs it.

`http.client` knows no proxies, which is right here: the server is on the loopback, and the
environment of a run sends everything else to the emulator.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from dagfactory.run.login import Login

_TIMEOUT = 180.0  # seconds; a laptop that trains on every core answers slowly


class AirflowApiError(Exception):
    """Airflow refused a request; `status` is the HTTP status, the message its reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class AirflowGoneError(ConnectionError):
    """Airflow's server gave no answer, or not a whole one."""


class AirflowApi:
    """A client of the Airflow that listens on `port` of the loopback; `version` is v1 or v2."""

    def __init__(self, port: int, login: Login, version: str = "v2") -> None:
        self.port = port
        self.login = login
        self.version = version
        self._headers: dict[str, str] = {"Content-Type": "application/json"}
        if version == "v1":
            self._headers["Authorization"] = login.basic

    @property
    def url(self) -> str:
        """Where the web UI is."""
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether the server is up; fetches a token where one is needed."""
        try:
            if self.version == "v1":
                return bool(self.get("health"))
            token = self._send("POST", "/auth/token", asdict(self.login))["access_token"]
        except OSError:
            return False
        self._headers["Authorization"] = f"Bearer {token}"
        return True

    def ready_for_tasks(self) -> None:
        """Have Airflow 3 build the routes that tasks call, which it does at their first request."""
        self._send("GET", "/execution/health")

    def get(self, *path: str, **query: object) -> dict[str, Any]:
        """GET /api/VERSION/PATH; each part of the path is quoted."""
        suffix = f"?{urlencode(query)}" if query else ""
        return self._send("GET", self._route(path) + suffix)

    def post(self, *path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a JSON body to /api/VERSION/PATH."""
        return self._send("POST", self._route(path), body)

    def patch(self, *path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PATCH /api/VERSION/PATH with a JSON body."""
        return self._send("PATCH", self._route(path), body)

    def find(self, *path: str, **query: object) -> dict[str, Any] | None:
        """GET that returns None for 404."""
        try:
            return self.get(*path, **query)
        except AirflowApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _route(self, path: tuple[str, ...]) -> str:
        return f"/api/{self.version}/" + "/".join(quote(part, safe="") for part in path)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), self._headers
            )
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise AirflowGoneError(f"Airflow's server does not answer: {error!r}") from None
        finally:
            connection.close()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise AirflowApiError(answer.status, _reason(content))
        return dict(json.loads(content))


def _reason(body: bytes) -> str:
    """Airflow answers {"detail": text or a list of {"msg": text}}."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:400]
    if isinstance(detail, list):
        return "; ".join(str(item.get("msg", item)) for item in detail)
    return str(detail)
