"""The command from its arguments to exit codes and output, on folders."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

from dagfactory.__main__ import run
from dagfactory.compiler.bundle.bundle import HEADER, MANIFEST
from dagfactory.compiler.bundle.sidecars import POOLS
from dagfactory.deploy.plan import SyncPlan, Write
from dagfactory.deploy.pool_import import pool_import_command
from dagfactory.language.environment import EnvironmentFile

REPOSITORY = ROOT
ENVIRONMENT = """\
environment: {name}
project: demo-project
region: us-central1
bucket: gs://demo-ml
dags: {dags}
"""
SPEC = "pipeline: {name}\nstart_date: 2026-01-05\ntasks:\n  nothing: {{type: empty}}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with two pipelines and two environments, and work in it."""
    monkeypatch.chdir(tmp_path)
    Path("specs/environments").mkdir(parents=True)
    for name in ("staging", "prod"):
        text = ENVIRONMENT.format(name=name, dags=f"out/{name}/dags/team")
        Path(f"specs/environments/{name}.yaml").write_text(text)
    for name in ("etl", "report"):
        Path(f"specs/{name}.yaml").write_text(SPEC.format(name=name))
    return tmp_path


def test_the_first_sync_and_the_second(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync", "--env", "staging"]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert [line[:2] for line in lines[1:]] == [
        ["+", "etl.py"],
        ["+", "report.py"],
        ["+", ".airflowignore"],
        ["+", "plans/"],
        ["+", MANIFEST],
    ]
    assert lines[0][1].startswith("dagfactory_runtime_")
    size = (home / "out/staging/dags/team/etl.py").stat().st_size
    assert " ".join(lines[1]) == f"+ etl.py pipeline etl {size:,} bytes"
    assert err.startswith("out/staging/dags/team: ")
    assert run(["sync", "--env", "staging"]) == 0
    assert capsys.readouterr() == ("", "out/staging/dags/team: nothing to do\n")


def test_looking_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync", "--env", "staging", "--dry-run"]) == 0
    assert run(["sync", "--env", "staging", "--check"]) == 1
    assert not (home / "out").exists()
    run(["sync", "--env", "staging"])
    assert run(["sync", "--env", "staging", "--check"]) == 0
    assert "(nothing was written)" in capsys.readouterr().err


def test_the_text_that_changes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sync", "--env", "staging"])
    Path("specs/etl.yaml").write_text(SPEC.format(name="etl") + "description: Now.\n")
    Path("specs/report.yaml").unlink()
    (home / "out/staging/dags/team/report.py").write_text("one = '\x1b[31m'\n")
    capsys.readouterr()
    assert run(["sync", "--env", "staging", "--dry-run", "--diff"]) == 0
    out = capsys.readouterr().out
    assert "--- a/etl.py\n+++ b/etl.py\n" in out
    assert '+    description="Now.",\n' in out
    assert "--- a/report.py\n+++ /dev/null\n" in out
    assert "-one = '<U+001B>[31m'" in out
    assert "plans/etl.json" not in out


def test_a_foreign_file_ends_with_4(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "out/staging/dags/team/etl.py"
    path.parent.mkdir(parents=True)
    path.write_text("theirs")
    assert run(["sync", "--env", "staging", "--yes"]) == 4
    assert run(["sync", "--env", "staging", "--dry-run"]) == 4
    assert "error: etl.py is there already" in capsys.readouterr().err
    assert [each.name for each in path.parent.iterdir()] == ["etl.py"]


def test_another_environment_needs_a_yes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sync", "--env", "staging"])
    arguments = ["sync", "--env", "prod", "--to", "out/staging/dags/team"]
    assert run([*arguments, "--dry-run"]) == 0
    assert "needs --yes: the destination belongs to" in capsys.readouterr().err
    assert run(arguments) == 4
    assert "not `prod`; add --yes to agree" in capsys.readouterr().err
    assert run([*arguments, "--yes", "--dry-run"]) == 0
    assert "needs --yes" not in capsys.readouterr().err
    assert run([*arguments, "--yes"]) == 0
    manifest = json.loads((home / "out/staging/dags/team" / MANIFEST).read_text())
    assert manifest["environment"] == "prod"


def test_what_no_manifest_names_is_said_and_removed_only_with_a_yes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["sync", "--env", "staging"])
    folder = home / "out/staging/dags/team"
    shutil.copy(folder / "etl.py", folder / "left.py")
    capsys.readouterr()
    assert run(["sync", "--env", "staging", "--check"]) == 1
    assert run(["sync", "--env", "staging"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [out.splitlines()[0]] * 2
    assert out.startswith("? left.py  pipeline left  ")
    assert err.splitlines()[2:] == [
        "left by a sync that was cut off, or is at work now: left.py; add --yes to delete",
        "out/staging/dags/team: 1 left; 0 bytes to write",
    ]
    assert (folder / "left.py").exists()
    assert run(["sync", "--env", "staging", "--yes"]) == 0
    assert not (folder / "left.py").exists()
    assert run(["sync", "--env", "staging", "--check"]) == 0


def test_single_specs_remove_the_others_only_with_a_yes(home: Path) -> None:
    run(["sync", "--env", "staging"])
    assert run(["sync", "specs/etl.yaml", "--env", "staging"]) == 4
    assert (home / "out/staging/dags/team/report.py").exists()
    assert run(["sync", "specs/etl.yaml", "--env", "staging", "--yes"]) == 0
    assert not (home / "out/staging/dags/team/report.py").exists()


def test_a_pipeline_that_is_gone_is_removed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["sync", "--env", "staging"])
    Path("specs/report.yaml").unlink()
    capsys.readouterr()
    assert run(["sync", "--env", "staging"]) == 0
    assert "- report.py" in capsys.readouterr().out
    assert not (home / "out/staging/dags/team/report.py").exists()


@pytest.mark.usefixtures("home")
def test_a_spec_with_an_error_syncs_nothing() -> None:
    Path("specs/etl.yaml").write_text("pipeline: etl\ntaks: {}\n")
    assert run(["sync", "--env", "staging"]) == 1
    assert not Path("out").exists()


@pytest.mark.usefixtures("home")
def test_nothing_to_work_on_and_no_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync"]) == 2
    Path("empty").mkdir()
    assert run(["sync", "empty", "--env", "staging"]) == 3
    Path("specs/environments/staging.yaml").write_text(
        ENVIRONMENT.format(name="staging", dags="null")
    )
    assert run(["sync", "--env", "staging"]) == 2
    assert "the environment has no `dags:`" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("to", ["other/dags", "other/dags/else", "gs://bucket/dags"])
def test_a_destination_that_cannot_be_imported_from(
    to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sync", "--env", "staging", "--to", to]) == 2
    assert "the destination has to end in `dags/team`" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_a_folder_outside_of_dags_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync", "--env", "staging", "--to", "build"]) == 0
    assert "warning: the DAG files import `team.dagfactory_runtime_" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_specs_that_go_to_several_places(capsys: pytest.CaptureFixture[str]) -> None:
    Path("more/environments").mkdir(parents=True)
    Path("more/environments/staging.yaml").write_text(
        ENVIRONMENT.format(name="staging", dags="elsewhere")
    )
    Path("more/extra.yaml").write_text(SPEC.format(name="extra"))
    assert run(["sync", "specs", "more", "--env", "staging"]) == 2
    assert "several `dags:`" in capsys.readouterr().err


def test_control_characters_of_a_destination_stay_off_the_terminal(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["sync", "--env", "staging"])
    folder = home / "out/staging/dags/team"
    (folder / "\x1b[31mred.py").write_bytes(HEADER)
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "environment": "\x1b[2Jx"}))
    for arguments in (["--dry-run"], [], ["--yes", "--dry-run"]):
        run(["sync", "--env", "staging", *arguments])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "? <U+001B>[31mred.py" in out
    assert "- <U+001B>[31mred.py" in out
    assert "environment `<U+001B>[2Jx`" in err


@pytest.mark.usefixtures("home")
def test_without_the_client_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    assert run(["sync", "--env", "staging", "--to", "gs://bucket/dags/team"]) == 2
    assert "pip install 'dagfactory[gcp]'" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "no-such-file.json")
    assert run(["sync", "--env", "staging", "--to", "gs://bucket/dags/team"]) == 2
    assert "no Google credentials that work" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_a_folder_needs_no_google_library_and_no_airflow() -> None:
    script = (
        "import sys; from dagfactory.__main__ import run; run(['sync', '--env', 'staging']);"
        "heavy = ('airflow', 'torch', 'google.auth', 'google.api_core', 'google.cloud.storage');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = processes.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_changed_pools_come_with_the_command_that_imports_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = home / "specs/environments/staging.yaml"
    environment.write_text(environment.read_text() + "pools: {gpu: {slots: 2}}\n")
    assert run(["sync", "--env", "staging"]) == 0
    err = capsys.readouterr().err
    assert err.endswith(f"after\n  airflow pools import out/staging/dags/team/{POOLS}\n")
    assert run(["sync", "--env", "staging"]) == 0
    assert "pools" not in capsys.readouterr().err


def test_on_composer_the_command_is_gcloud() -> None:
    fields = {
        "environment": "prod",
        "project": "demo-project",
        "region": "us-central1",
        "bucket": "gs://demo-ml",
        "dags": "gs://composer/dags/ml/team",
        "composer": "ml-prod",
    }
    written = SyncPlan(writes=(Write(POOLS, b"{}"),))
    found = pool_import_command(written, EnvironmentFile(**fields), "gs://composer/dags/ml/team")
    assert found.splitlines()[1].split() == [
        *["gcloud", "composer", "environments", "run", "ml-prod", "--project", "demo-project"],
        *["--location", "us-central1", "pools", "import", "--"],
        "/home/airflow/gcs/dags/ml/team/pools.json",
    ]
    assert (
        pool_import_command(SyncPlan(), EnvironmentFile(**fields), "gs://composer/dags/ml/team")
        == ""
    )


def test_packages_that_jobs_look_for_elsewhere_are_said(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "train.py").write_text("print('trained')\n")
    task = "{type: train, script: train.py, image: 'x:1', machine: {type: n1-standard-4}}"
    (home / "specs/report.yaml").write_text(f"pipeline: report\ntasks:\n  fit: {task}\n")
    assert run(["sync", "--env", "staging"]) == 0
    out, err = capsys.readouterr()
    assert "package, 1 file" in out
    assert "warning: jobs install their packages from gs://demo-ml: bring" in err
    assert run(["sync", "--env", "staging", "--check"]) == 0
