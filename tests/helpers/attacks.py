"""What somebody without a run's credentials sends: plain requests, and those of a browser's pages."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jwt

NOBODY = 65534

# what Chromium adds to the requests of a page, by what the page does
PAGES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "form": (
        "POST",
        {
            "Origin": "http://evil.example",
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
            "Content-Type": "text/plain",
        },
    ),
    "form of an old browser": (
        "POST",
        {"Origin": "http://evil.example", "Content-Type": "text/plain"},
    ),
    "form of a sandboxed frame": ("POST", {"Origin": "null", "Content-Type": "text/plain"}),
    "preflight": (
        "OPTIONS",
        {
            "Origin": "http://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "cors",
        },
    ),
    "picture": ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}),
    "link": ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}),
    "another port": (
        "GET",
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ),
    "picture of another port": ("GET", {"Sec-Fetch-Site": "same-site"}),
    "rebinding": ("GET", {"Host": "evil.example:{port}", "Sec-Fetch-Site": "same-origin"}),
    "rebinding by a form": (
        "POST",
        {
            "Host": "evil.example:{port}",
            "Origin": "http://evil.example:{port}",
            "Sec-Fetch-Site": "same-origin",
        },
    ),
    "all addresses": ("GET", {"Host": "0.0.0.0:{port}", "Sec-Fetch-Site": "none"}),
}

# a client, the web UI's own page, an address typed by hand, and the UI behind a tunnel
OWN_PAGES: list[dict[str, str]] = [
    {},
    {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    {"Host": "localhost:9000", "Origin": "http://localhost:9000", "Sec-Fetch-Site": "same-origin"},
]


def ask(  # noqa: PLR0913 - the parts of a request
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    tls: bool = False,
    seconds: float = 30,
) -> tuple[int, bytes]:
    """Send one request to a port of this machine; return status and content of the answer."""
    connection: http.client.HTTPConnection
    if tls:
        context = ssl._create_unverified_context()  # noqa: S323 - an attacker does not care
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=seconds, context=context
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    given = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body)), **(headers or {})}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in given.items():
        connection.putheader(name, value.replace("{port}", str(port)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def as_nobody(do: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns that runs as another user; only root can do that."""
    fork = get_context("fork")
    near, far = fork.Pipe()
    process = fork.Process(target=_become_nobody, args=(far, do, arguments))
    process.start()
    far.close()
    assert near.poll(200)
    made = near.recv()
    process.join(60)
    return made


def _become_nobody(pipe: Any, do: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    pipe.send(do(*arguments))


def readable(paths: list[Path]) -> list[str]:
    """Return the files among some that this process can read."""
    return [str(path) for path in paths if os.access(path, os.R_OK)]


def open_to_others(folder: Path) -> list[str]:
    """Return what below a folder, itself included, has any right for group or others."""
    every = [folder, *folder.rglob("*")]
    found = [path for path in every if not path.is_symlink() and path.exists()]
    return [str(path) for path in found if path.stat().st_mode & 0o077]


def got_in(port: int, version: str, authorization: str) -> dict[str, int]:
    """Return which attempts at a run's Airflow were answered; `authorization` is its own client's."""
    tried = {
        f"{method} {path} {given}": ask(port, method, path, headers, body)[0]
        for method, path, body in calls(version)
        for given, headers in guesses().items()
    }
    dags = f"/api/{version}/dags"
    for page, (method, headers) in PAGES.items():
        tried[page] = ask(port, method, dags, {"Authorization": authorization, **headers})[0]
    for own in OWN_PAGES:
        assert ask(port, "GET", dags, {"Authorization": authorization, **own})[0] == 200
    return {name: status for name, status in tried.items() if status < 400}


def calls(version: str) -> list[tuple[str, str, bytes]]:
    """Return calls that give a token, read, write, or start a program."""
    connection = {"connection_id": "stolen", "conn_type": "http", "host": "127.0.0.1"}
    passwords = [
        {},
        {"username": "admin", "password": ""},
        {"username": "admin", "password": "admin"},
    ]
    return [
        ("GET", "/auth/token", b""),
        ("GET", "/auth/token/login", b""),
        *(("POST", "/auth/token", json.dumps(guess).encode()) for guess in passwords),
        ("POST", "/auth/token/cli", json.dumps(passwords[2]).encode()),
        ("GET", f"/api/{version}/dags", b""),
        ("GET", f"/api/{version}/config", b""),
        ("POST", f"/api/{version}/connections", json.dumps(connection).encode()),
        ("POST", f"/api/{version}/dags/whole/dagRuns", b'{"logical_date": null, "conf": {}}'),
        ("GET", "/ui/dags", b""),
        ("GET", "/execution/connections/x", b""),
        ("GET", "/execution/variables/x", b""),
    ]


def guesses() -> dict[str, dict[str, str]]:
    now = int(time.time())
    claims = {"sub": "admin", "role": "ADMIN", "iat": now, "nbf": now, "exp": now + 600}
    claims["aud"] = "apache-airflow"
    values = {
        "a word": "Bearer x",
        "forged": "Bearer " + jwt.encode(claims, "k" * 64, "HS512"),
        "unsigned": "Bearer " + jwt.encode(claims, "", "none"),
        "basic": "Basic YWRtaW46YWRtaW4=",
        "basic without a password": "Basic YWRtaW46",
    }
    kind = {"Content-Type": "application/json"}
    cookie = {"Cookie": f"_token={jwt.encode(claims, '', 'none')}"}
    given = {name: kind | {"Authorization": value} for name, value in values.items()}
    return {"none": kind, "cookie": kind | cookie, **given}
