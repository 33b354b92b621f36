"""Versions of a destination, and the way back to one of them, on folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dagfactory.__main__ import run
from dagfactory.compiler.bundle.bundle import MANIFEST
from dagfactory.deploy import history
from dagfactory.deploy.destination import history_address

ENVIRONMENT = """\
environment: staging
project: demo-project
region: us-central1
bucket: gs://demo-ml
dags: out/dags/team
"""
SPEC = (
    "pipeline: {name}\nschedule: {schedule}\nstart_date: 2026-01-05\ntasks:\n  a: {{type: empty}}\n"
)
FOLDER = Path("out/dags/team")
PAST = Path("out/data/dagfactory/dags/team")
SYNC = ["sync", "--env", "staging"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    Path("specs/environments").mkdir(parents=True)
    Path("specs/environments/staging.yaml").write_text(ENVIRONMENT)
    return tmp_path


def spec(name: str, day: int) -> None:
    Path(f"specs/{name}.yaml").write_text(SPEC.format(name=name, schedule=f"0 {day} * * 1"))


def bring(*days: int) -> None:
    """Sync versions of one pipeline, one after the other."""
    for day in days:
        spec("etl", day)
        assert run(SYNC) == 0


def files(folder: Path) -> dict[str, bytes]:
    found = (each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in found}


def test_a_version_says_who_brought_what_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    bring(1, 2)
    assert capsys.readouterr().err.splitlines()[-1].endswith("bytes to write; version 2")
    assert run(["history", "--env", "staging"]) == 0
    newest, first = capsys.readouterr().out.splitlines()
    assert newest.split()[:2] == ["*", "2"]
    assert newest.endswith("octocat  -  2 changed")
    assert first.split()[0] == "1"
    assert run(["history", "--env", "staging", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["live"] == 2
    assert data["versions"][0]["changes"]["changed"] == ["etl.py", "plans/etl.json"]


def test_a_sync_without_work_makes_no_version() -> None:
    bring(1, 1)
    assert [each.name for each in (PAST / "versions").iterdir()] == ["000001.json"]


def test_back_to_a_version_and_on_again(capsys: pytest.CaptureFixture[str]) -> None:
    spec("report", 3)
    bring(1)
    shutil.copytree(FOLDER, "copy")
    Path("specs/report.yaml").unlink()
    (FOLDER / "theirs.py").write_text("theirs")
    bring(2)
    assert run(["rollback", "1", "--env", "staging"]) == 0
    (FOLDER / "theirs.py").unlink()
    there, then = files(FOLDER), files(Path("copy"))
    manifest = json.loads(there.pop(MANIFEST))
    assert manifest.pop("rolled_back") == 1
    assert manifest == json.loads(then.pop(MANIFEST))
    assert there == then

    capsys.readouterr()
    assert run(SYNC) == 4  # the commit of version 2
    assert "the destination is rolled back to version 1; add --yes" in capsys.readouterr().err
    spec("report", 3)
    spec("etl", 1)
    capsys.readouterr()
    for options in ([], ["--check"], ["--dry-run"]):  # that of version 1
        assert run([*SYNC, *options]) == 0
    assert "--yes" not in capsys.readouterr().err
    assert run(["history", "--env", "staging"]) == 0
    assert "rolled back to 1" in capsys.readouterr().out.splitlines()[0]
    spec("etl", 4)
    assert run([*SYNC, "--yes"]) == 0
    assert "rolled_back" not in json.loads((FOLDER / MANIFEST).read_text())


def test_pools_that_come_back_have_to_be_imported_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for slots in (2, 4):
        pools = f"pools: {{gpu: {{slots: {slots}}}}}\n"
        Path("specs/environments/staging.yaml").write_text(ENVIRONMENT + pools)
        bring(1)
    capsys.readouterr()
    assert run(["rollback", "1", "--env", "staging"]) == 0
    assert capsys.readouterr().err.endswith(f"airflow pools import {FOLDER}/pools.json\n")


def test_only_the_last_versions_stay_and_all_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    bring(1, 2, 3, 2, 1, 4)
    kept = [json.loads(each.read_text()) for each in sorted((PAST / "versions").iterdir())]
    assert [each["version"] for each in kept] == [4, 5, 6]
    named = {digest for each in kept for digest in each["files"].values()}
    assert named == {each.name for each in (PAST / "blobs").iterdir()}


def test_a_version_whose_sync_was_cut_off_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    bring(1)
    before = (FOLDER / MANIFEST).read_bytes()
    bring(2)
    (FOLDER / MANIFEST).write_bytes(before)  # as if the last write had not been
    bring(3)
    capsys.readouterr()
    assert run(["history", "--env", "staging"]) == 0
    newest, cut_off, first = capsys.readouterr().out.splitlines()
    assert newest.startswith("* 3")
    assert cut_off.endswith("cut off")
    assert first.endswith("added")


def test_what_was_synced_before_there_was_a_history_is_its_first_version(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bring(1, 2)
    shutil.copytree(FOLDER, "copy")
    shutil.rmtree(PAST)
    bring(2)  # nothing to do, and no version
    assert not PAST.exists()
    bring(3)
    capsys.readouterr()
    assert run(["history", "--env", "staging"]) == 0
    assert "before the history" in capsys.readouterr().out.splitlines()[1]
    assert run(["rollback", "1", "--env", "staging"]) == 0
    there, then = files(FOLDER), files(Path("copy"))
    assert json.loads(there.pop(MANIFEST)).pop("rolled_back") == 1
    then.pop(MANIFEST)
    assert there == then


def test_what_is_not_as_its_manifest_says_is_no_version() -> None:
    bring(1)
    shutil.rmtree(PAST)
    (FOLDER / ".airflowignore").write_text("another")
    bring(2)
    assert json.loads((PAST / "versions/000001.json").read_text())["who"] == "octocat"


def test_a_history_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    canaries = [f"canary{number:03}" for number in range(100)]
    for canary in canaries:
        monkeypatch.setenv(f"DAGFACTORY_TEST_{canary.upper()}", canary)
    for name, canary in zip(("AIRFLOW_TOKEN", "AIRFLOW_LOGIN"), canaries, strict=False):
        monkeypatch.setenv(f"DAGFACTORY_{name}", canary)
    monkeypatch.setenv("GITHUB_TOKEN", canaries[2])
    bring(1, 2)
    assert run(["history", "--env", "staging", "--format", "json"]) == 0
    assert run(["rollback", "1", "--env", "staging"]) == 0
    shown = "".join(capsys.readouterr())
    held = b"".join(files(Path()).values()).decode("latin-1")
    assert not [each for each in canaries if each in shown + held]


def test_what_is_no_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "--env", "staging"]) == 3
    assert "has no history" in capsys.readouterr().err
    bring(1)
    assert run(["rollback", "7", "--env", "staging"]) == 4
    assert "has no version 7; it has 1 to 1" in capsys.readouterr().err
    assert run(["history", "--env", "nowhere"]) == 1
    bring(2)
    blob = json.loads((PAST / "versions/000001.json").read_text())["files"]["etl.py"]
    (PAST / "blobs" / blob).write_text("another")
    assert run(["rollback", "1", "--env", "staging"]) == 4
    assert "does not hold what its name says" in capsys.readouterr().err
    (PAST / "versions/000001.json").write_text("{}")
    assert run(["rollback", "1", "--env", "staging"]) == 4
    assert "is not a version of a history" in capsys.readouterr().err
    (PAST / "versions/000002.json").write_text("{}")
    bring(3)
    assert (PAST / "versions/000003.json").is_file()


@pytest.mark.parametrize(
    ("destination", "place"),
    [
        ("gs://b/dags/team", "gs://b/data/dagfactory/dags/team"),
        ("gs://b/dags/team/", "gs://b/data/dagfactory/dags/team"),
        ("gs://b/other", "gs://b/data/dagfactory/other"),
        ("/srv/dags/team", "/srv/data/dagfactory/dags/team"),
        ("/srv/dags", "/srv/data/dagfactory/dags"),
        ("/srv/team", "/srv/.team.history"),
    ],
)
def test_where_a_history_lies(destination: str, place: str) -> None:
    assert history_address(destination) == place
