"""A throw-away service account whose tokens come from the emulator's own OAuth endpoint."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.http_server import Application, HttpRequest, HttpResponse, json_response

TOKEN_LIFETIME_S = 3600
ACCESS_TOKEN = "emulator"  # noqa: S105 - opens nothing but this emulator


def write_service_account(path: Path, project: str, token_uri: str) -> None:
    """Write a service-account key file; google-auth signs with it (RS256) and asks `token_uri`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "emulator",
        "private_key": pem.decode(),
        "client_email": f"emulator@{project}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(account, indent=2) + "\n")


def iam_credentials(request: HttpRequest) -> HttpResponse:
    """Answer what google-auth asks of IAM Credentials: no regional boundary; impersonation."""
    if request.path.endswith(":generateAccessToken"):
        expiry = datetime.now(UTC) + timedelta(seconds=TOKEN_LIFETIME_S)
        moment = expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
        return json_response({"accessToken": ACCESS_TOKEN, "expireTime": moment})
    if request.path.endswith("/allowedLocations"):
        return json_response({"locations": [], "encodedLocations": "0x0"})
    error = ApiError("NOT_FOUND", f"The emulator does not serve {request.path}.")
    return json_response(error.as_json(), error.http)


def trusted(application: Application) -> Application:
    """Serve calls without a token as well: a client told of an emulator sends none."""

    def serve(request: HttpRequest) -> HttpResponse:
        headers = {"authorization": f"Bearer {ACCESS_TOKEN}", **request.headers}
        return application(replace(request, headers=headers))

    return serve


def token(_request: HttpRequest) -> HttpResponse:
    """Answer a token request (RFC 6749 section 5.1); any assertion is accepted."""
    return json_response(
        {"access_token": ACCESS_TOKEN, "expires_in": TOKEN_LIFETIME_S, "token_type": "Bearer"}
    )
