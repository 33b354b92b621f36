"""What another user of the machine tries against a run: ports, files, processes."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

from attacks import ask, calls, guesses


def attempts(ports: list[int], pids: list[int], paths: list[Path]) -> dict[str, bool]:
    """Return every attempt of this process by name, and whether it got in."""
    return dict([*_by_port(ports), *_by_process(pids), *_by_file(paths)])


def _by_port(ports: list[int]) -> Iterator[tuple[str, bool]]:
    every = list(itertools.product(ports, (False, True), _requests(), guesses().items()))
    with ThreadPoolExecutor(16) as pool:  # a door of another protocol answers after its time
        for tried, inside in zip(
            every, pool.map(lambda each: _answered(*each), every), strict=True
        ):
            yield str(tried), inside


def _requests() -> list[tuple[str, str, bytes]]:
    """Return the calls of Airflow and of the emulator, and a way through its proxy."""
    storage, secret = (
        "/storage/v1/b?project=demo",
        "/v1/projects/demo/secrets/key/versions/1:access",
    )
    emulator = [("GET", storage, b""), ("POST", storage, b'{"name": "made"}'), ("GET", secret, b"")]
    return [*calls("v2"), *emulator, ("CONNECT", "storage.googleapis.com:443", b"")]


def _answered(
    port: int, tls: bool, request: tuple[str, str, bytes], guess: tuple[str, dict[str, str]]
) -> bool:
    """Say whether a request is answered otherwise than by a refusal."""
    method, path, body = request
    try:
        status, answer = ask(port, method, path, guess[1], body, tls=tls, seconds=5)
    except (OSError, ValueError, HTTPException):  # the door speaks another protocol
        return False
    # the empty page of Airflow's web UI is everybody's, at any path
    return status < 400 and not answer.startswith(b"<!doctype html>")


def _by_process(pids: list[int]) -> Iterator[tuple[str, bool]]:
    for pid in pids:
        for name in ("environ", "mem", "fd", "cwd/specs"):
            yield f"{pid} {name}", _is_open(Path("/proc", str(pid), name))


def _by_file(paths: list[Path]) -> Iterator[tuple[str, bool]]:
    for path in paths:
        yield str(path), _is_open(path)


def _is_open(path: Path) -> bool:
    """Say whether this process can list, read or connect to a path."""
    try:
        if path.is_dir():
            list(path.iterdir())
            return True
        if path.is_socket():
            with socket.socket(socket.AF_UNIX) as to:
                to.connect(str(path))
            return True
        with path.open("rb"):
            return True
    except OSError:
        return False
