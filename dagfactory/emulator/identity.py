"""The throw-away service account of one start, and the tokens that open the emulator."""

import hmac
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dagfactory.emulator.errors import ApiError, not_served
from dagfactory.emulator.files import replace_text
from dagfactory.emulator.http_server import (
    LOOPBACK,
    Application,
    HttpRequest,
    HttpResponse,
    json_response,
)

TOKEN_LIFETIME_S = 3600
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - google-auth's audience
SCHEME = "Bearer "


class Identity:
    """The account's key and its access token: made at each start, so those of another one fit nowhere."""

    def __init__(self, project: str) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.project, self.email = project, f"emulator@{project}.iam.gserviceaccount.com"
        self._token, self._secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self._audiences = [GOOGLE_TOKEN_URI]

    def write_account(self, path: Path, token_uri: str) -> None:
        """Write a service-account key file; google-auth signs with it (RS256) and asks `token_uri`."""
        self._audiences.append(token_uri)
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        account = {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": "emulator",
            "private_key": pem.decode(),
            "client_email": self.email,
            "client_id": "1",
            "token_uri": token_uri,
        }
        replace_text(path, json.dumps(account, indent=2) + "\n")

    def require(self, authorization: str | None) -> None:
        """Raise UNAUTHENTICATED unless a call carries this start's token, or one signed by the account."""
        scheme, given = (authorization or "")[: len(SCHEME)], (authorization or "")[len(SCHEME) :]
        if scheme == SCHEME and (is_same(given, self._token) or self._is_own(given)):
            return
        message = "Request had invalid authentication credentials."
        if not authorization:
            message = "Request is missing required authentication credential."
        raise ApiError("UNAUTHENTICATED", message)

    def token(self, request: HttpRequest) -> HttpResponse:
        """Answer a token request (RFC 7523): the account's signed assertion buys the access token."""
        form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
        if request.method != "POST" or form.get("grant_type") != GRANT:
            return _not_granted("unsupported_grant_type", f"grant_type is not {GRANT}")
        try:
            self._claims(form.get("assertion", ""), audience=self._audiences)
        except jwt.InvalidTokenError as error:
            return _not_granted("invalid_grant", str(error))
        given = {"access_token": self._token, "token_type": "Bearer"}
        return json_response({**given, "expires_in": TOKEN_LIFETIME_S})

    def iam_credentials(self, request: HttpRequest) -> HttpResponse:
        """Answer what google-auth asks of IAM Credentials: no regional boundary; impersonation."""
        try:
            self.require(request.headers.get("authorization"))
            return json_response(self._credentials(request.path))
        except ApiError as error:
            return json_response(error.as_json(), error.http)

    def secret_address(self, port: int) -> str:
        """Return an address that only this start's processes are told."""
        return f"http://{LOOPBACK}:{port}/{self._secret}"

    def without_token(self, application: Application, base: str) -> Application:
        """Serve calls below the secret address `base`: a client told of an emulator sends no token."""

        def serve(request: HttpRequest) -> HttpResponse:
            first, _, rest = request.path.removeprefix("/").partition("/")
            if not is_same(first, self._secret):
                error = ApiError("PERMISSION_DENIED", "The address lacks the emulator's secret.")
                return json_response(error.as_storage_json(), error.http)
            headers = {**request.headers, "authorization": SCHEME + self._token}
            return application(replace(request, path=f"/{rest}", headers=headers, base=base))

        return serve

    def _credentials(self, path: str) -> dict[str, Any]:
        if path.endswith(":generateAccessToken"):
            expiry = datetime.now(UTC) + timedelta(seconds=TOKEN_LIFETIME_S)
            moment = expiry.strftime("%Y-%m-%dT%H:%M:%SZ")
            return {"accessToken": self._token, "expireTime": moment}
        if path.endswith("/allowedLocations"):
            return {"locations": [], "encodedLocations": "0x0"}
        raise not_served(path)

    def _is_own(self, token: str) -> bool:
        """Whether the account signed this token itself, as Google's gRPC clients do."""
        try:
            claims = self._claims(token, audience=None)
        except jwt.InvalidTokenError:
            return False
        return claims.get("aud") not in self._audiences  # those are assertions, no access tokens

    def _claims(self, token: str, audience: list[str] | None) -> dict[str, Any]:
        """Read what the account signed; raises InvalidTokenError. No `audience` lets any pass."""
        return dict(
            jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                issuer=self.email,
                audience=audience,
                leeway=10,
                options={"require": ["exp", "iat", "iss"], "verify_aud": audience is not None},
            )
        )

    @cached_property
    def _public(self) -> rsa.RSAPublicKey:
        return self._key.public_key()


def is_same(given: str, secret: str) -> bool:
    """Compare with a secret in a time that does not tell how much of it fits."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


def _not_granted(error: str, description: str) -> HttpResponse:
    return json_response({"error": error, "error_description": description}, 400)
