"""The whole command on a small project of its own: spec, bundle, Airflow, emulator, job."""

import json
import os
import shutil
import sys

import processes
import pytest
from attacks import open_to_others
from paths import ROOT

from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """\
pipeline: tiny
schedule: null
params: {threshold: {type: number, default: 0.9}}
tasks:
  train:
    type: train
    module: tiny
    image: none/needed/here
    machine: {type: n1-standard-4}
    args: {rate: 0.5}
  decide:
    type: gate
    metrics: ${tasks.train.metrics}
    when: accuracy >= params.threshold
    then: good
    else: bad
  good: {type: empty}
  bad: {type: empty}
"""

# Stands in for a trainer: what matters here is the way of its numbers, not how they come about.
MODULE = """
import json, os, sys
root = os.environ["AIP_MODEL_DIR"].replace("gs://", os.environ["GCSFUSE_ROOT"] + "/")
os.makedirs(root, exist_ok=True)
rate = float(sys.argv[1].removeprefix("--rate="))
document = {"schema_version": 1, "metrics": {"accuracy": rate + 0.25}, "step": 1, "complete": True}
with open(os.path.join(root, "metrics.json"), "w") as file:
    json.dump(document, file)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    environments = ROOT / "specs" / "environments"
    shutil.copytree(environments, folder / "specs" / "environments")
    (folder / "specs" / "tiny.yaml").write_text(SPEC)
    (folder / "tiny.py").write_text(MODULE)
    return folder


@pytest.fixture(scope="module")
def ran(project):
    options = ["--param", "threshold=0.7", "--fault", "error:503:1", "--timeout", "4m"]
    return processes.run(
        [sys.executable, "-m", "dagfactory", "run", "specs/tiny.yaml", *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_run_succeeds_and_says_so(ran):
    assert ran.returncode == 0, ran.stderr
    assert "tiny succeeded after" in ran.stdout


def test_the_gate_decided_by_what_the_job_measured(ran):
    assert "gate decide passed: accuracy (0.75) >= " in ran.stdout
    states = dict(line.split()[:2] for line in ran.stdout.splitlines()[2:6])
    assert states == {"train": "success", "decide": "success", "good": "success", "bad": "skipped"}


def test_waiting_for_the_job_is_shown(ran):
    assert "waiting for Vertex job 1" in ran.stderr


def test_faults_reach_the_emulator(ran, project):
    assert ran.returncode == 0
    faults = StateFolders(project / ".dagfactory").emulator / "faults.json"
    assert "error:503:1" in json.dumps(json.loads(faults.read_text()))


def test_what_was_kept_is_its_owners(ran, project):
    assert ran.returncode == 0
    kept = project / ".dagfactory"
    assert kept.stat().st_mode & 0o077 == 0
    assert [open_to_others(kept / name) for name in ("home", "emulator", "logs")] == [[], [], []]
    opening = ("home/passwords.json", "emulator/credentials.json", "emulator/tls/key.pem")
    assert [name for name in opening if (kept / name).exists()] == []


def test_nothing_is_left_running(ran, project, alive_in):
    assert ran.returncode == 0
    assert alive_in(project / ".dagfactory") == []
