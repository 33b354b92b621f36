"""Nobody without the run's credentials gets an answer of the emulator: by token, by page, by file."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import psutil
import pytest
from attacks import PAGES, as_nobody, ask, open_to_others, readable
from cryptography.hazmat.primitives.asymmetric import rsa

from dagfactory.emulator.client import Emulator, start

LOCATION = "/v1/projects/demo/locations/us-central1"
POOL = {
    "machineSpec": {"machineType": "n1-standard-4"},
    "replicaCount": 1,
    "containerSpec": {"imageUri": "x", "command": ["id"]},
}
JOB = {
    "displayName": "x",
    "jobSpec": {"workerPoolSpecs": [POOL]},
}
GOOGLE = "https://oauth2.googleapis.com/token"
# one call of each service that reads a secret, writes, or starts a program
CALLS = {
    "secret": (
        "GET",
        "secretmanager.googleapis.com",
        "/v1/projects/demo/secrets/key/versions/1:access",
    ),
    "job": ("POST", "us-central1-aiplatform.googleapis.com", f"{LOCATION}/customJobs"),
    "query": ("POST", "bigquery.googleapis.com", "/bigquery/v2/projects/demo/queries"),
    "bucket": ("POST", "storage.googleapis.com", "/storage/v1/b?project=demo"),
    "upload": (
        "POST",
        "storage.googleapis.com",
        "/upload/storage/v1/b/made/o?uploadType=media&name=x",
    ),
    "impersonation": (
        "POST",
        "iamcredentials.googleapis.com",
        "/v1/projects/-/serviceAccounts/a@demo.iam.gserviceaccount.com:generateAccessToken",
    ),
}
BODIES = {
    "job": JOB,
    "query": {"query": "SELECT 1", "useLegacySql": False},
    "bucket": {"name": "made"},
}


@dataclass
class Doors:
    """A running emulator, its ports, and what its own clients hold."""

    emulator: Emulator
    account: dict[str, Any]
    old: Emulator

    @property
    def proxy(self) -> int:
        return urlsplit(self.emulator.proxy).port or 0

    @property
    def tokens(self) -> int:
        return urlsplit(self.account["token_uri"]).port or 0

    @property
    def direct(self) -> Any:
        return urlsplit(self.emulator.direct["STORAGE_EMULATOR_HOST"])

    @property
    def https(self) -> int:
        """The port that answers HTTP/1.1 by TLS, found as an attacker finds it."""
        known = {self.proxy, self.tokens, self.direct.port}
        for port in sorted(self.listening - known):
            try:
                ask(port, "GET", "/", {"Host": "x"}, tls=True)
            except (OSError, ValueError):
                continue
            return port
        raise AssertionError

    @property
    def listening(self) -> set[int]:
        process = psutil.Process(self.emulator.process.pid)
        return {each.laddr.port for each in process.net_connections("tcp") if not each.raddr}

    def claims(self, **changes: Any) -> dict[str, Any]:
        email, now = self.account["client_email"], int(time.time())
        return {"iss": email, "sub": email, "aud": GOOGLE, "iat": now, "exp": now + 600} | changes

    def signed(self, **changes: Any) -> str:
        return jwt.encode(self.claims(**changes), self.account["private_key"], "RS256")

    def assertion(self, text: str, grant: str = "jwt-bearer") -> tuple[int, bytes]:
        form = {"grant_type": f"urn:ietf:params:oauth:grant-type:{grant}", "assertion": text}
        return ask(self.tokens, "POST", "/token", body=urlencode(form).encode())

    def call(self, name: str, authorization: str | None, port: int = 0) -> tuple[int, bytes]:
        method, host, path = CALLS[name]
        headers = {"Host": host, "Content-Type": "application/json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        body = json.dumps(BODIES.get(name, {})).encode() if method == "POST" else b""
        return ask(port or self.https, method, path, headers, body, tls=True)


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    with (
        tempfile.TemporaryDirectory() as folder,  # pytest's own is closed to others, and would hide ours
        start(Path(folder, "old"), secrets={"key": "canary"}) as old,
        start(Path(folder, "state"), secrets={"key": "canary"}) as running,
    ):
        Path(folder).chmod(0o755)
        yield of(running, old)


@pytest.fixture(scope="module")
def token(doors: Doors) -> str:
    return token_of(doors)


def forged(doors: Doors, algorithm: str = "RS256", **changes: Any) -> str:
    """Return a token with a signature of the attacker's."""
    key: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if algorithm != "RS256":
        key = "" if algorithm == "none" else "k" * 64
    return jwt.encode(doors.claims(**changes), key, algorithm)


def of(emulator: Emulator, old: Emulator) -> Doors:
    file = Path(emulator.env["GOOGLE_APPLICATION_CREDENTIALS"])
    return Doors(emulator, json.loads(file.read_text()), old)


def token_of(doors: Doors) -> str:
    """Return the token that the account's signature buys."""
    status, body = doors.assertion(doors.signed())
    assert status == 200, body
    return str(json.loads(body)["access_token"])


GUESSES = {
    "none": lambda _: None,
    "empty": lambda _: "Bearer ",
    "a word": lambda _: "Bearer emulator",
    "basic": lambda _: "Basic " + base64.b64encode(b"dagfactory:dagfactory").decode(),
    "not ascii": lambda _: "Bearer \xfc\xe9",
    "old": lambda doors: f"Bearer {token_of(of(doors.old, doors.old))}",
    "forged": lambda doors: f"Bearer {forged(doors, aud='https://storage.googleapis.com/')}",
    "unsigned": lambda doors: f"Bearer {forged(doors, 'none', aud='https://x.googleapis.com/')}",
    "symmetric": lambda doors: f"Bearer {forged(doors, 'HS256', aud='https://x.googleapis.com/')}",
    "assertion": lambda doors: f"Bearer {doors.signed()}",
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("guess", GUESSES)
def test_no_call_without_the_token(doors, name, guess):
    status, body = doors.call(name, GUESSES[guess](doors))
    assert (status, b"canary" in body) == (401, False)


@pytest.mark.parametrize("name", CALLS)
def test_the_token_opens_every_service(doors, token, name):
    status, body = doors.call(name, f"Bearer {token}")
    assert status == 200, body


def test_a_token_that_the_account_signed_itself_opens_too(doors):
    own = doors.signed(aud="https://secretmanager.googleapis.com/")
    assert doors.call("secret", f"Bearer {own}")[0] == 200


@pytest.mark.parametrize("guess", GUESSES)
def test_no_grpc_call_without_the_token(doors, guess):
    import grpc

    authorization = GUESSES[guess](doors)
    metadata = [] if authorization is None else [("authorization", authorization)]
    port = next(iter(doors.listening - {doors.proxy, doors.tokens, doors.direct.port, doors.https}))
    roots = Path(doors.emulator.env["SSL_CERT_FILE"]).read_bytes()
    name = (("grpc.ssl_target_name_override", "secretmanager.googleapis.com"),)
    with grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(roots), name) as to:
        method = "/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion"
        request = b"\n\x26projects/demo/secrets/key/versions/1"
        with pytest.raises(grpc.RpcError) as refused:
            to.unary_unary(method)(request, metadata=metadata, timeout=30)
    assert refused.value.code().name in {"UNAUTHENTICATED", "INTERNAL"}
    assert "canary" not in str(refused.value)


ASSERTIONS = {
    "none": lambda _: "",
    "a word": lambda _: "x",
    "forged": forged,
    "unsigned": lambda doors: forged(doors, "none"),
    "symmetric": lambda doors: forged(doors, "HS256"),
    "expired": lambda doors: doors.signed(iat=1, exp=2),
    "for somebody else": lambda doors: doors.signed(aud="https://evil.example/token"),
    "of somebody else": lambda doors: doors.signed(iss="a@evil.example"),
    "without an end": lambda doors: doors.signed(exp=None),
}


@pytest.mark.parametrize("name", ASSERTIONS)
def test_no_token_without_the_accounts_signature(doors, name):
    status, body = doors.assertion(ASSERTIONS[name](doors))
    assert (status, json.loads(body).get("access_token")) == (400, None)


@pytest.mark.parametrize("path", ["", "/x", "/{short}", "/{old}", "/%2e%2e"])
def test_the_door_without_tls_needs_its_secret(doors, path):
    secret = doors.direct.path.strip("/")
    old = urlsplit(doors.old.direct["STORAGE_EMULATOR_HOST"]).path.strip("/")
    prefix = path.format(short=secret[:-1], old=old)
    assert ask(doors.direct.port, "GET", f"{prefix}/storage/v1/b?project=demo")[0] == 403


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reaches_the_door_without_tls(doors, page):
    """Even one that knows the secret."""
    method, headers = PAGES[page]
    path = f"{doors.direct.path}/storage/v1/b?project=demo"
    assert ask(doors.direct.port, method, path, headers, b'{"name": "made-by-a-page"}')[0] == 403
    assert not Path(doors.emulator.env["GCSFUSE_ROOT"], "made-by-a-page").exists()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_gets_a_token(doors, page):
    method, headers = PAGES[page]
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    body = urlencode(form | {"assertion": doors.signed()}).encode()
    assert ask(doors.tokens, method, "/token", headers, body)[0] == 403


@pytest.mark.parametrize("page", PAGES)
def test_no_page_reaches_a_service(doors, token, page):
    method, headers = PAGES[page]
    own = {"Host": "storage.googleapis.com", "Authorization": f"Bearer {token}"}
    path = "/storage/v1/b?project=demo"
    assert ask(doors.https, method, path, own | headers, b'{"name": "p"}', tls=True)[0] == 403


@pytest.mark.parametrize("page", PAGES)
def test_no_page_uses_the_proxy(doors, page):
    method, headers = PAGES[page]
    for path in ("/", "http://storage.googleapis.com/storage/v1/b"):
        assert ask(doors.proxy, method, path, headers)[0] == 403


@pytest.mark.parametrize("known", ["", "Basic x", "Bearer x", "{old}", "{empty}", "{user}"])
def test_the_proxy_asks_who_connects(doors, known):
    old = urlsplit(doors.old.proxy)
    basic = {"old": f"{old.username}:{old.password}", "empty": ":", "user": "dagfactory:"}
    coded = {name: "Basic " + base64.b64encode(v.encode()).decode() for name, v in basic.items()}
    headers = {"Host": "storage.googleapis.com:443", "Proxy-Authorization": known.format(**coded)}
    assert ask(doors.proxy, "CONNECT", "storage.googleapis.com:443", headers)[0] == 407


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_reads_no_file_and_gets_no_secret(doors):
    files = [path for path in doors.emulator.state.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert as_nobody(readable, files) == []
    # as that user, by what it can guess
    for guess in ("none", "a word"):
        assert as_nobody(doors.call, "secret", GUESSES[guess](doors), doors.https)[0] == 401


def test_everything_kept_is_the_owners(doors):
    assert open_to_others(doors.emulator.state) == []


def test_what_opens_the_doors_ends_with_the_emulator(tmp_path):
    with start(tmp_path) as emulator:
        opening = ["credentials.json", "tls/key.pem", "emulator.json"]
        assert [name for name in opening if (tmp_path / name).exists()] == opening
        texts = [emulator.proxy, emulator.direct["STORAGE_EMULATOR_HOST"].rpartition("/")[2]]
        texts += json.loads((tmp_path / "credentials.json").read_text())["private_key"].split("\n")[
            1:2
        ]
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not set(opening) & {str(path.relative_to(tmp_path)) for path in left}
    assert [path for path in left if any(text in path.read_text() for text in texts)] == []
