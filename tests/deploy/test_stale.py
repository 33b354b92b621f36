"""A saved plan is carried out as it is, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagfactory.__main__ import run
from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import MANIFEST
from dagfactory.deploy.apply import plan_sync
from dagfactory.deploy.saved_plan import SavedPlan, bundle_hashes, write
from dagfactory.deploy.stores import open_store
from dagfactory.project.specs import find_specs

ENVIRONMENT = """\
environment: {name}
project: demo-project
region: us-central1
bucket: gs://demo-ml
dags: out/{name}/dags/team
"""
SPEC = (
    "pipeline: etl\nschedule: 0 {day} * * 1\nstart_date: 2026-01-05\ntasks:\n  a: {{type: empty}}\n"
)
FOLDER = Path("out/staging/dags/team")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs/environments").mkdir(parents=True)
    for name in ("staging", "prod"):
        Path(f"specs/environments/{name}.yaml").write_text(ENVIRONMENT.format(name=name))
    spec(1)
    assert run(["sync", "--env", "staging"]) == 0
    spec(2)
    planned()


def spec(day: int) -> None:
    Path("specs/etl.yaml").write_text(SPEC.format(day=day))


def planned() -> None:
    bundle = build(find_specs([Path("specs")]), "staging").bundle
    assert bundle
    made = plan_sync(bundle, open_store(str(FOLDER)))
    saved = SavedPlan(
        environment="staging",
        destination=str(FOLDER),
        manifest_generation=made.generation,
        bundle=bundle_hashes(bundle),
        state=made.state,
    )
    write(Path("plan.json"), saved)


def files() -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in Path("out").rglob("*") if each.is_file()}


def test_what_was_planned_is_done_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync", "plan.json"]) == 0
    assert b"0 2 * * 1" in (FOLDER / "etl.py").read_bytes()
    there = files()
    assert run(["sync", "plan.json"]) == 4
    assert "was synced since it was planned; plan again" in capsys.readouterr().err
    assert files() == there


def test_other_specs_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    there = files()
    spec(3)
    assert run(["sync", "plan.json"]) == 4
    error = capsys.readouterr().err
    assert "the specs render to other files than planned (etl.py, manifest.json, plans" in error
    assert files() == there


def test_a_foreign_write_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    (FOLDER / "etl.py").write_text("by hand")
    there = files()
    assert run(["sync", "plan.json"]) == 4
    assert "somebody changed out/staging/dags/team since it was" in capsys.readouterr().err
    assert files() == there


def test_another_sync_is_refused() -> None:
    spec(3)
    assert run(["sync", "--env", "staging"]) == 0
    spec(2)
    there = files()
    assert run(["sync", "plan.json"]) == 4
    assert files() == there


@pytest.mark.parametrize(
    "arguments", [["--env", "prod"], ["--to", "elsewhere"], ["specs"], ["--env", "prod", "specs"]]
)
def test_other_arguments_than_planned_are_refused(arguments: list[str]) -> None:
    there = files()
    assert run(["sync", "plan.json", *arguments]) == 2
    assert files() == there


def test_without_a_plan_an_environment_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sync"]) == 2
    assert "Missing option '--env'" in capsys.readouterr().err
    Path("other.json").write_text((FOLDER / MANIFEST).read_text())
    assert run(["sync", "other.json"]) == 2
    assert "other.json is not a plan of this version" in capsys.readouterr().err
