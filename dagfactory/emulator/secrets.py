"""Secret Manager: AccessSecretVersion over the files STATE/secrets/NAME; every version is that file."""

from pathlib import Path
from typing import Any

import google_crc32c

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import SECRETS, message_class
from dagfactory.emulator.rpc_routes import Method


def methods(directory: Path) -> list[Method]:
    """Return the rows of Secret Manager's route table."""

    def access(request: Any) -> Any:
        return _access(directory, request.name)

    return [
        Method(
            f"{SECRETS}.SecretManagerService",
            "AccessSecretVersion",
            "GET",
            "/v1/{name=projects/*/secrets/*/versions/*}:access",
            access,
        )
    ]


def _access(directory: Path, name: str) -> Any:
    _, project, _, secret, _, version = name.split("/")
    file = directory / secret
    if (
        file.parent != directory
        or not file.is_file()
        or not (version == "latest" or version.isdecimal())
    ):
        message = f"Secret [projects/{project}/secrets/{secret}] not found or has no versions."
        raise ApiError("NOT_FOUND", message)
    data = file.read_bytes()
    response = message_class(f"{SECRETS}.AccessSecretVersionResponse")()
    number = "1" if version == "latest" else version
    response.name = f"projects/{project}/secrets/{secret}/versions/{number}"
    response.payload.data = data
    response.payload.data_crc32c = google_crc32c.value(data)
    return response
