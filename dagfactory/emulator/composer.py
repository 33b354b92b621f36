"""Cloud Composer: `environments.get` over the files STATE/composer/NAME.json, in its REST API's JSON."""

import json
import logging
import re
from pathlib import Path

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response
from dagfactory.emulator.identity import Identity

log = logging.getLogger(__name__)
METHOD = "composer.environments.get"

_PATH = re.compile(r"/v1/(projects/[^/]+/locations/[^/]+/environments/([a-z0-9-]+))")


class ComposerService:
    """Answers requests to composer.googleapis.com."""

    def __init__(self, directory: Path, faults: Faults, identity: Identity) -> None:
        self._directory, self._faults, self._identity = directory, faults, identity

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        try:
            self._identity.require(request.headers.get("authorization"))
            return self._get(request)
        except ApiError as error:
            log.info("composer %s: %s", request.path, error.message)
            return json_response(error.as_json(), error.http)

    def _get(self, request: HttpRequest) -> HttpResponse:
        found = _PATH.fullmatch(request.path)
        if request.method != "GET" or found is None:
            raise ApiError("NOT_FOUND", f"{request.method} {request.path}: no such method here")
        self._faults.fail_call(METHOD)
        file = self._directory / f"{found[2]}.json"
        if not file.is_file():
            raise ApiError("NOT_FOUND", f"Resource '{found[1]}' was not found")
        log.info("%s %s", METHOD, request.path)
        return json_response({"name": found[1], "state": "RUNNING"} | json.loads(file.read_text()))
