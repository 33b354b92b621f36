"""`dagfactory plan` from its arguments to output and exit codes, on folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagfactory.__main__ import run
from dagfactory.compiler.bundle.bundle import MANIFEST
from dagfactory.deploy.saved_plan import read

ENVIRONMENT = """\
environment: prod
project: demo-project
region: us-central1
bucket: gs://demo-ml
dags: out/dags/team
pools: {gpu: {slots: 2}}
"""
ETL = "pipeline: etl\ntasks:\n  a: {type: bash, command: echo 1}\n  b: {type: empty, after: [a]}\n"
REPORT = "pipeline: report\ntasks:\n  a: {type: bash, command: echo 1}\n"
PLANS = Path("out/dags/team/plans")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with two pipelines that are deployed, and work in it."""
    monkeypatch.chdir(tmp_path)
    Path("specs/environments").mkdir(parents=True)
    Path("specs/environments/prod.yaml").write_text(ENVIRONMENT)
    Path("specs/etl.yaml").write_text(ETL)
    Path("specs/report.yaml").write_text(REPORT)
    assert run(["sync", "--env", "prod"]) == 0
    return tmp_path


def edit(name: str, old: str, new: str) -> None:
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


def planned(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> dict[str, Any]:
    """Return what the command says as JSON."""
    capsys.readouterr()
    assert run(["plan", "--env", "prod", "--format", "json", *options]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found["changes"]


def one(changes: dict[str, Any]) -> dict[str, Any]:
    (change,) = changes["pipelines"]
    return dict(change)


def test_without_a_change_there_is_none(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(capsys, "--detailed-exitcode") == {
        "pipelines": [],
        "generator": [],
        "environment": [],
        "warnings": [],
    }
    edit("specs/etl.yaml", "tasks:", "# a remark\ntasks:")
    assert planned(capsys, "--detailed-exitcode", code=0)["pipelines"] == []


def test_the_exit_codes_of_terraform(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    detailed = ["plan", "--env", "prod", "--detailed-exitcode"]
    assert run(detailed) == 0
    edit("specs/etl.yaml", "echo 1", "echo 2")
    assert run(detailed) == 2
    assert run(["plan", "--env", "prod"]) == 0
    assert run([*detailed, "--no-such-option"]) == 1
    assert run([*detailed, "--to", "s3://bucket/dags"]) == 1
    assert run([*detailed, "specs/none.yaml"]) == 1
    assert run(["plan", "--env", "prod", "--to", "s3://bucket/dags"]) == 2
    (home / "out/dags/team" / MANIFEST).write_text("theirs")
    assert run(detailed) == 1
    assert run(["plan", "--env", "prod"]) == 4
    edit("specs/etl.yaml", "type: empty", "type: emty")
    assert run(detailed) == 1
    assert "unknown task type" in capsys.readouterr().err


def test_a_change_of_a_spec(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("specs/etl.yaml", "echo 1", "echo 2")
    changes = planned(capsys)
    change = one(changes)
    assert (change["pipeline"], change["action"], change["reasons"]) == ("etl", "changed", ["spec"])
    fields = [{"path": ["command"], "old": "echo 1", "new": "echo 2"}]
    assert change["tasks"] == [{"action": "changed", "id": "a", "type": "bash", "fields": fields}]
    assert changes["warnings"] == changes["environment"] == changes["generator"] == []


def test_pipelines_that_come_and_go(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/report.yaml").rename("specs/weekly.yaml")
    edit("specs/weekly.yaml", "pipeline: report", "pipeline: weekly")
    changes = planned(capsys)
    said = [(each["pipeline"], each["action"]) for each in changes["pipelines"]]
    assert said == [("report", "removed"), ("weekly", "added")]
    assert [each["kind"] for each in changes["warnings"]] == ["history"]


def test_a_renamed_task_takes_its_history_out_of_sight(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("specs/etl.yaml", "b: {", "c: {")
    changes = planned(capsys)
    change = one(changes)
    assert change["tasks"] == [{"action": "renamed", "id": "b", "type": "empty", "to": "c"}]
    assert change["edges"] == {"added": [["a", "c"]], "removed": [["a", "b"]]}
    assert change["vanished"] == ["b"]
    (warning,) = changes["warnings"]
    assert (warning["kind"], warning["pipeline"]) == ("history", "etl")
    assert warning["text"].endswith("until now: `b`")


def test_a_change_of_the_environment(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("specs/environments/prod.yaml", "slots: 2", "slots: 4")
    changes = planned(capsys, "--detailed-exitcode", code=2)
    assert changes["pipelines"] == []
    assert changes["environment"] == [{"path": ["pools", "gpu", "slots"], "old": 2, "new": 4}]
    edit("specs/environments/prod.yaml", "us-central1", "us-east4")
    changes = planned(capsys)
    assert [each["reasons"] for each in changes["pipelines"]] == [["environment"]] * 2


def test_another_version_of_dagfactory(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "out/dags/team" / MANIFEST
    manifest = json.loads(path.read_text())
    files = manifest["files"]
    for name in ("etl.py", "report.py"):
        files[name]["sha256"] = "0" * 64
    old = {"generator": "dagfactory 0.0.9", "runtime": "dagfactory_runtime_0"}
    path.write_text(json.dumps(manifest | old))
    changes = planned(capsys)
    assert [each["reasons"] for each in changes["pipelines"]] == [["generator"]] * 2
    assert [each["path"] for each in changes["generator"]] == [["generator"], ["runtime"]]


def test_only_other_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("specs/etl.yaml", "tasks:", "vars: {unused: 1}\ntasks:")
    assert one(planned(capsys))["reasons"] == ["wording"]


def without_plans(home: Path) -> dict[str, Any]:
    """Leave a destination as a version without plans did."""
    folder = home / "out/dags/team"
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    for path in [each for each in manifest["files"] if each.startswith("plans/")]:
        del manifest["files"][path]
        (folder / path).unlink()
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return manifest


def test_a_destination_without_plans_says_what_cannot_be_compared(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_plans(home)
    assert planned(capsys, "--detailed-exitcode", code=2)["pipelines"] == []
    edit("specs/etl.yaml", "echo 1", "echo 2")
    changes = planned(capsys)
    assert one(changes)["reasons"] == ["unknown"]
    (warning,) = changes["warnings"]
    assert warning["kind"] == "unknown"
    assert warning["text"].endswith(": `etl`")
    assert run(["sync", "--env", "prod"]) == 0
    assert PLANS.is_dir()
    assert planned(capsys, "--detailed-exitcode", code=0)["pipelines"] == []


def test_of_an_older_version_the_hash_of_its_inputs_is_compared(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = without_plans(home)
    manifest["files"]["etl.py"]["sha256"] = "0" * 64
    manifest |= {"runtime": "dagfactory_runtime_0"}
    (home / "out/dags/team" / MANIFEST).write_text(json.dumps(manifest))
    assert one(planned(capsys))["reasons"] == ["generator"]


@pytest.mark.parametrize("value", [[], {}, {"etl": []}, {"etl": {}}, None, 3, "etl"])
@pytest.mark.parametrize("key", ["pipelines", "target", "generator", "address"])
def test_a_manifest_with_anything_in_it_is_no_bug(
    home: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any
) -> None:
    manifest = without_plans(home)
    manifest["files"]["etl.py"]["sha256"] = "0" * 64
    (home / "out/dags/team" / MANIFEST).write_text(json.dumps(manifest | {key: value}))
    capsys.readouterr()
    assert run(["plan", "--env", "prod"]) in {0, 4}


SWEEP = """\
pipeline: etl
defaults: {image: "us-docker.pkg.dev/p/r/t:1", machine: {type: n1-standard-8}}
tasks:
  search:
    type: sweep
    module: own.train
    metric: {name: loss, goal: minimize}
    parameters: {lr: {values: [0.1, 0.2]}, wd: {values: [1, 2]}}
"""


def test_the_size_of_a_sweep(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/etl.yaml").write_text(SWEEP)
    run(["sync", "--env", "prod"])
    edit("specs/etl.yaml", "[1, 2]", "[1, 2, 3]")
    change = one(planned(capsys))
    assert change["sizes"] == [{"path": ["search.trial"], "old": 4, "new": 6}]
    (line,) = change["sweeps"]
    assert line.startswith("search: 6 trials, 4 at a time, 6 machine hours (assumed), about $")
    run(["plan", "--env", "prod"])
    assert f"  {line}\n" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1, "spec": 1}', "[" * 50_000])
def test_a_plan_that_somebody_broke_is_one_that_is_not_there(
    home: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (home / PLANS / "etl.json").write_text(content)
    edit("specs/etl.yaml", "echo 1", "echo 2")
    assert one(planned(capsys))["reasons"] == ["unknown"]


CATCHUP = "catchup: true\nschedule: '{}'\nstart_date: 2026-01-05\n"


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [("@hourly", "more than 1,000 runs"), ("0 0 1 1 *", "runs"), ("@once", "")],
)
def test_old_runs_that_start(
    home: Path, capsys: pytest.CaptureFixture[str], schedule: str, runs: str
) -> None:
    text = CATCHUP.replace("2026", "2020").format(schedule)
    edit("specs/etl.yaml", "tasks:", f"{text}tasks:")
    said = [each for each in planned(capsys)["warnings"] if each["kind"] == "old_runs"]
    assert len(said) == bool(runs)
    assert all(runs in each["text"] for each in said)


def test_a_plan_is_written_for_sync(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("specs/etl.yaml", "echo 1", "echo 2")
    assert run(["plan", "--env", "prod", "--out", "plan.json"]) == 0
    plan = read(Path("plan.json"))
    assert (plan.environment, plan.destination, plan.specs) == ("prod", "out/dags/team", [])
    assert plan.manifest_generation
    assert {"etl.py", "plans/etl.json", MANIFEST} <= plan.bundle.keys()
    assert plan.changes == planned(capsys)
    assert run(["plan", "--env", "prod", "--to", "new/dags/team", "--out", "first.json"]) == 0
    assert read(Path("first.json")).manifest_generation is None


def test_a_plan_has_the_ending_by_which_sync_knows_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--env", "prod", "--out", "plan"]) == 2
    assert "plan does not end in `.json`" in capsys.readouterr().err
    assert not (home / "plan").exists()


def test_single_specs_would_remove_the_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = planned(capsys, "specs/etl.yaml")
    assert one(changes)["action"] == "removed"
    assert [each["kind"] for each in changes["warnings"]] == ["history", "confirm"]
    assert "plans/" not in changes["warnings"][1]["text"]


def test_looking_writes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--env", "prod", "--to", "new/dags/team"]) == 0
    assert not Path("new").exists()
    assert capsys.readouterr().out.endswith("bytes to write\n")


def test_a_link_out_of_the_project_is_not_followed(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "etl.json").write_text("theirs")
    (home / ".git").mkdir()
    (home / "plan.json").symlink_to(elsewhere / "etl.json")
    assert run(["plan", "--env", "prod", "--out", "plan.json"]) == 0
    assert not (home / "plan.json").is_symlink()
    for each in PLANS.iterdir():
        each.unlink()
    PLANS.rmdir()
    PLANS.symlink_to(elsewhere)
    assert "theirs" not in json.dumps(planned(capsys))
    assert run(["sync", "--env", "prod"]) == 4
    assert (elsewhere / "etl.json").read_text() == "theirs"


def test_a_first_sync_that_was_cut_off_before_its_manifest(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "out/dags/team" / MANIFEST).unlink()
    (home / "out/dags/team/pools.json").unlink()
    edit("specs/etl.yaml", "echo 1", "echo 2")
    edit("specs/environments/prod.yaml", "slots: 2", "slots: 3")
    assert {each["action"] for each in planned(capsys)["pipelines"]} == {"added"}
    assert run(["sync", "--env", "prod"]) == 0
    assert planned(capsys, "--detailed-exitcode", code=0)["pipelines"] == []


def test_a_plan_of_somebody_else_stays(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = home / PLANS / "theirs.json"
    theirs.write_text('{"format": 1, "spec": {}}')
    edit("specs/etl.yaml", "echo 1", "echo 2")
    assert run(["sync", "--env", "prod", "--yes"]) == 0
    assert theirs.exists()


JOB = """\
pipeline: job
schedule: "0 3 * * *"
start_date: 2026-01-05
tasks:
  fit:
    type: train
    image: us-docker.pkg.dev/demo-project/ml/trainer:1
    module: team.fit
    machine: {type: n1-standard-4}
"""


def test_what_a_pipeline_costs_before_and_after(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def cost() -> dict[str, float]:
        capsys.readouterr()
        assert run(["cost", "specs/job.yaml", "--env", "prod", "--format", "json"]) == 0
        found = json.loads(capsys.readouterr().out)
        return {"run": found["run_usd"], "month": found["month_usd"]}

    def price(name: str = "job") -> Any:
        (found,) = [each for each in planned(capsys)["pipelines"] if each["pipeline"] == name]
        return found["price"]

    Path("specs/job.yaml").write_text(JOB)
    first = cost()
    assert price() == {"before": None, "after": pytest.approx(first)}
    assert run(["sync", "--env", "prod"]) == 0
    edit("specs/job.yaml", "n1-standard-4", "n1-standard-8")
    second = cost()
    assert second["run"] > 1.8 * first["run"]
    assert price() == {"before": pytest.approx(first), "after": pytest.approx(second)}
    capsys.readouterr()
    assert run(["plan", "--env", "prod"]) == 0
    line = f"  costs ${second['run']:,.2f} a run, ${second['month']:,.2f} a month; until now $"
    assert line in capsys.readouterr().out
    # a machine without a price is no amount
    edit("specs/job.yaml", "n1-standard-8", "c4-standard-1")
    Path("specs/environments/prod.yaml").write_text(f"{ENVIRONMENT}machines: [c4-standard-1]\n")
    assert price()["after"] is None
    Path("specs/job.yaml").unlink()
    assert price()["after"] is None
