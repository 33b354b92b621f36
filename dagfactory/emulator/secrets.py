"""Secret Manager: versions of secrets over the files STATE/secrets/NAME; every version is that file."""

from pathlib import Path
from typing import Any

import google_crc32c

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import SECRETS, message_class
from dagfactory.emulator.rpc_routes import Method

_SERVICE = f"{SECRETS}.SecretManagerService"


def methods(directory: Path) -> list[Method]:
    """Return the rows of Secret Manager's route table."""

    def access(request: Any) -> Any:
        return _access(directory, request.name)

    def get(request: Any) -> Any:
        return _get(directory, request.name)

    one = "/v1/{name=projects/*/secrets/*/versions/*}"
    return [
        Method(_SERVICE, "AccessSecretVersion", "GET", f"{one}:access", access),
        Method(_SERVICE, "GetSecretVersion", "GET", one, get),
    ]


def _find(directory: Path, name: str) -> tuple[Path, str]:
    """Return the file of a version and the version's name with its number; raises NOT_FOUND."""
    _, project, _, secret, _, version = name.split("/")
    file = directory / secret
    if (
        file.parent != directory
        or not file.is_file()
        or not (version == "latest" or version.isdecimal())
    ):
        message = f"Secret [projects/{project}/secrets/{secret}] not found or has no versions."
        raise ApiError("NOT_FOUND", message)
    number = "1" if version == "latest" else version
    return file, f"projects/{project}/secrets/{secret}/versions/{number}"


def _get(directory: Path, name: str) -> Any:
    made = message_class(f"{SECRETS}.SecretVersion")()
    made.name = _find(directory, name)[1]
    made.state = made.ENABLED
    return made


def _access(directory: Path, name: str) -> Any:
    file, found = _find(directory, name)
    data = file.read_bytes()
    response = message_class(f"{SECRETS}.AccessSecretVersionResponse")()
    response.name = found
    response.payload.data = data
    response.payload.data_crc32c = google_crc32c.value(data)
    return response
