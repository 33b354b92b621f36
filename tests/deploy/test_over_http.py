"""Deploys over the wire: what they ask of Cloud Storage, the lock, and syncs that are killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import processes
import pytest
from destinations import files
from made import made
from size import SEED, size

from dagfactory.__main__ import run
from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle
from dagfactory.deploy.carry_out import Origin, Place, Wanted, carry_out, open_place
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.history import History
from dagfactory.deploy.stores import _lease

from .conftest import PREFIX, Calls

BY = Origin("somebody", "a commit")
INSERT, LIST, GET = "storage.objects.insert", "storage.objects.list", "storage.objects.get"


@pytest.fixture
def place(destination: str) -> Place:
    return open_place(destination)


@pytest.fixture
def past(folder: Path) -> Path:
    """Return the directory behind the history."""
    return folder.parents[1] / "data/dagfactory" / PREFIX


def bring(bundle: Bundle, place: Place, rolled_back: int = 0) -> int:
    wanted = Wanted(bundle, rolled_back=rolled_back)
    return carry_out(wanted, wanted.plan(place.store), place, BY)


def many(number: int) -> dict[str, str]:
    return {f"dag_{at:04}": "1" for at in range(number)}


def test_many_files_and_one_of_them_again(
    folder: Path, past: Path, place: Place, calls: Calls
) -> None:
    number = size(40, 900)  # with all else below 1,000, the objects of one page
    bring(made(many(number)), place)
    calls()
    bring(made(many(number)), place)
    assert calls() == [LIST]
    copy = files(folder)
    bring(made(many(number) | {"dag_0007": "2"}), place)
    called = calls()
    # the lock, its two renewals and the last one, the blobs of the DAG and the manifest, the version
    assert called.count(INSERT) == 4 + 2 + 1 + len(["dag_0007.py", MANIFEST])
    assert called.count(LIST) == 4
    version = place.history.read(1, place.history.look().versions[1])
    assert bring(place.history.bundle(version), place, rolled_back=1) == 3
    there = files(folder)
    assert json.loads(there.pop(MANIFEST)).pop("rolled_back") == 1
    copy.pop(MANIFEST)
    assert there == copy
    assert not (past / _lease.LOCK).exists()


def test_a_lock_of_the_dead_is_taken_over_and_one_of_the_living_is_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagfactory.deploy.waiting.PATIENCE", 0.5)
    monkeypatch.setattr("dagfactory.deploy.waiting.POLL", 0.1)
    with place.history.store.lock() as first:
        with pytest.raises(RefusedError, match="another sync has been at work"):
            bring(made({"a": "1"}), place)
        monkeypatch.setattr(_lease, "TERM", 0.2)
        bring(made({"a": "1"}), place)
        with pytest.raises(RefusedError, match="another one has taken over"):
            first.check()


def test_a_lock_is_renewed_while_work_goes_on(
    place: Place, past: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_lease, "RENEWAL", 0.05)
    with place.history.store.lock():
        processes.wait_until(
            lambda: json.loads((past / _lease.LOCK).read_text())["renewals"] > 2, 10
        )
    assert not (past / _lease.LOCK).exists()


def test_whoever_lost_the_lock_does_not_commit(
    folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = History.keep

    def stalled(history: History, *arguments: Any) -> dict[str, str]:
        (folder.parents[1] / "data/dagfactory" / PREFIX / _lease.LOCK).write_text("another's")
        return write(history, *arguments)

    monkeypatch.setattr(History, "keep", stalled)
    with pytest.raises(RefusedError, match="another one has taken over"):
        bring(made({"a": "1"}), place)
    assert files(folder) == {}


SPEC = "pipeline: {name}\nschedule: 0 {hour} * * *\nstart_date: 2026-01-05\ntasks:\n  a: {{type: empty}}\n"
ENVIRONMENT = "environment: staging\nproject: p-demo\nregion: us-central1\nbucket: gs://demo-ml\n"


def spec(hour: int) -> None:
    for name in ("etl", "report", "score"):
        Path(f"specs/{name}.yaml").write_text(SPEC.format(name=name, hour=hour))


@pytest.mark.timeout(size(600, 4 * 3600))
def test_syncs_that_are_killed(
    folder: Path, past: Path, tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = f"gs://{folder.parents[1].name}/{PREFIX}"
    monkeypatch.chdir(tmp_path)
    Path("specs/environments").mkdir(parents=True)
    Path("specs/environments/staging.yaml").write_text(f"{ENVIRONMENT}dags: {destination}\n")
    command = [str(Path(sys.executable).parent / "dagfactory"), "sync", "--env", "staging"]
    (folder / "theirs.py").write_text("theirs")
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    for hour in range(size(3, 50)):
        spec(hour % 24)
        calls()
        with processes.started(command, stdout=subprocess.DEVNULL) as running:
            point, seen = random.randint(1, 28), 0
            while seen < point and running.poll() is None:
                seen += len(calls())
                time.sleep(0.005)
        (past / _lease.LOCK).unlink(missing_ok=True)  # as if its term had passed
        named = json.loads(files(folder).get(MANIFEST, b'{"files": {}}'))["files"]
        assert not named.keys() - files(folder).keys()
    assert run(["sync", "--env", "staging", "--yes"]) == 0
    there = files(folder)
    assert there.pop("theirs.py") == b"theirs"
    assert set(there) == {MANIFEST, *json.loads(there[MANIFEST])["files"]}
    assert run(["sync", "--env", "staging", "--check"]) == 0
