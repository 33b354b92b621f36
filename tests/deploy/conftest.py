"""The emulator's Cloud Storage, for tests over the wire."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagfactory.deploy.stores import Store, open_store

PREFIX = "dags/ml_pipelines"
Calls = Callable[[], list[str]]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dagfactory.emulator.client import start

    with start(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def folder(
    emulator: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Point the client library at the emulator; return the directory behind the destination."""
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    bucket = "b-" + hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    path = Path(emulator.env["GCSFUSE_ROOT"], bucket, PREFIX)
    path.mkdir(parents=True)
    yield path
    emulator.faults()


@pytest.fixture
def destination(folder: Path) -> str:
    return f"gs://{folder.parents[1].name}/{PREFIX}"


@pytest.fixture
def store(destination: str) -> Store:
    return open_store(destination)


@pytest.fixture
def calls(emulator: Any, folder: Path) -> Calls:
    """Return a function that says which calls the service got since it was asked the last time."""
    log, seen = emulator.state / "emulator.log", 0
    assert folder

    def since() -> list[str]:
        nonlocal seen
        lines = log.read_text().splitlines()
        seen, new = len(lines), lines[seen:]
        words = [line.split() for line in new]
        return [word for line in words for word in line if word.startswith("storage.")]

    since()
    return since
