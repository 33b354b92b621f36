"""The life of a commit: edit a learning rate, let CI plan and sync it, see Airflow run it, go back."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import processes
import pytest
from ci_steps import play, prepare

from dagfactory.__main__ import run
from dagfactory.composer.airflow_client import LOGIN
from dagfactory.emulator.client import READY_FILE
from dagfactory.run.execute import AirflowSession, RunOptions, session
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BUCKET = "demo-live-dags"
DAGS = f"gs://{BUCKET}/dags/ml"
SPEC = """\
pipeline: first
tasks:
  fit:
    type: train
    image: us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest
    script: fit.py
    machine: {type: n1-standard-4}
    args: {rate: 0.1}
"""
FIT = """\
import argparse, json, os
from google.cloud import storage
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
bucket, _, name = os.environ["AIP_MODEL_DIR"].removeprefix("gs://").partition("/")
blob = storage.Client().bucket(bucket).blob(f"{name.rstrip('/')}/rate.json")
blob.upload_from_string(json.dumps(parser.parse_args().rate))
"""
STAGING = """\
environment: staging
project: demo-live
region: us-central1
bucket: gs://demo-live-runs
dags: {dags}
airflow: {{url: "{url}"}}
vars: {{trainer_image: us-docker.pkg.dev/demo-live/ml/trainer:1}}
pipeline: {{defaults: {{poll: 1s}}}}
"""


@contextmanager
def copied(source: Path, target: Path) -> Iterator[None]:
    """Bring the files of a bucket to Airflow's folder, one by one, as Composer does all the time."""
    over = threading.Event()

    def copy() -> None:
        while not over.wait(0.2):
            there = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
            for path in there:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                if not (target / path).is_file() or newer(source / path, target / path):
                    shutil.copy2(source / path, target / path)
            for path in [path for path in target.rglob("*.py") if path.is_file()]:
                if path.relative_to(target) not in there:
                    path.unlink()

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def newer(one: Path, other: Path) -> bool:
    return one.stat().st_mtime_ns != other.stat().st_mtime_ns


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowSession]:
    """Stand in a new project whose staging is a running Airflow behind a bucket of the emulator."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    assert run(["init", "--ci", "github"]) == 0
    Path("specs/first.yaml").write_text(SPEC)
    Path("fit.py").write_text(FIT)
    prepare(tmp_path, monkeypatch)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL", "1")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "1")
    state, dags = StateFolders(tmp_path / "state"), tmp_path / "dags"
    dags.mkdir()
    options = RunOptions(emulator=["--project", "demo-live"])
    with ExitStack() as stack:
        running = stack.enter_context(
            session(dags, state=state, options=options, on_event=lambda _: None)
        )
        ready = state.emulator / READY_FILE
        processes.wait_until(ready.exists, seconds=60)
        api = running.airflow.api
        for name, value in json.loads(ready.read_text())["env"].items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(LOGIN, f"{api.login.username}:{api.login.password}")
        for name in (BUCKET, "demo-live-runs"):
            (state.emulator / "gcs" / name).mkdir(parents=True, exist_ok=True)
        text = STAGING.format(dags=DAGS, url=api.url)
        Path("specs/environments/staging.yaml").write_text(text)
        stack.enter_context(copied(state.emulator / "gcs" / BUCKET / "dags", dags))
        yield running


def commit() -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "a rate"]):
        processes.run(["git", *command], check=True, capture_output=True)


def rates(live: AirflowSession) -> list[float]:
    """Return the learning rates that jobs have had, the last one last."""
    found = sorted(live.state.objects.rglob("rate.json"), key=lambda path: path.stat().st_mtime_ns)
    return [float(path.read_text()) for path in found]


def rate_of_next_run(live: AirflowSession) -> float:
    """Run the pipeline as its schedule would, and return the learning rate that its job has had."""
    assert live.start("first", {}).complete(120).state == "success"
    return rates(live)[-1]


def test_edit_commit_plan_sync_run_and_roll_back(
    live: AirflowSession, capsys: pytest.CaptureFixture[str]
) -> None:
    commit()
    # a new runtime waits for Composer's copying, which takes less than a minute here
    assert run(["sync", "--env", "staging", "--arrival", "2", "--verify"]) == 0
    assert rate_of_next_run(live) == 0.1

    spec = Path("specs/first.yaml")
    spec.write_text(spec.read_text().replace("rate: 0.1", "rate: 0.2"))
    commit()
    assert play("github", "check") == 0
    assert play("github", "plan") == 0
    assert re.search(r"rate.*0\.1.*0\.2", Path("plan/staging.md").read_text())
    assert play("github", "staging") == 0
    assert rate_of_next_run(live) == 0.2

    assert run(["rollback", "1", "--env", "staging", "--arrival", "2", "--verify"]) == 0
    under_way = live.start("first", {})
    path = ("dags", "first", "dagRuns", under_way.watcher.run_id)
    processes.wait_until(lambda: live.airflow.api.get(*path)["state"] == "running", seconds=60)
    capsys.readouterr()
    assert run(["plan", "--env", "staging"]) == 0
    out = capsys.readouterr().out
    assert "rolled back to version 1" in out
    assert re.search(rf"runs under way: .{re.escape(path[-1])}", out)
    assert under_way.complete(120).state == "success"
    assert rates(live)[-1] == 0.1
