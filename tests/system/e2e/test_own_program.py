"""The user's own program and own Python, from files beside `specs/` to a run on real Airflow."""

from __future__ import annotations

import json
import os
import re
import sys

import processes
import pytest
from paths import ROOT, TESTS

from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """\
pipeline: own
schedule: null
alerts:
  on_success: [{python: {callable: my_team.tell.done, args: {where: "%s/told"}}}]
defaults:
  image: us-docker.pkg.dev/vertex-ai/training/pytorch-gpu.2-4.py310:latest
  machine: {type: n1-standard-4}
tasks:
  script: {type: train, script: train.py, args: {rate: 3}}
  package: {type: train, package: ./src, module: captions.fit, args: {rate: 4}}
  report:
    type: python
    callable: my_team.report.summary
    args: {day: "{{ ds }}", folders: ["${tasks.script.model_dir}", "${tasks.package.model_dir}"]}
  judge:
    type: pipeline
    template: pipelines/evaluation.yaml
    params: {model: "${tasks.script.uri}", limit: 0.9}
  good:
    type: gate
    metrics: ${tasks.judge.metrics}
    when: Output >= 0.9
    then: passed
  passed:
    type: bash
    command: echo "$JOB has $OUTPUT"
    env: {JOB: "${tasks.judge.job}", OUTPUT: "${tasks.judge.outputs.Output}"}
"""
TRAIN = """\
import argparse, os
from steps import write
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=int)
write(os.environ["AIP_MODEL_DIR"], parser.parse_args().rate)
"""
STEPS = """\
import json
from google.cloud import storage
def write(folder, rate):
    bucket, _, name = folder.removeprefix("gs://").partition("/")
    blob = storage.Client().bucket(bucket).blob(f"{name.rstrip('/')}/out.json")
    blob.upload_from_string(json.dumps({"rate": rate, "file": __file__}))
"""
REPORT = """\
from my_team import words
def summary(day, folders):
    print(f"{words.WORDS} of {len(folders)} folders, {len(day)} characters, {__file__}")
"""
TELL = """\
from pathlib import Path
from my_team import words
def done(context, where):
    Path(where).mkdir(exist_ok=True)
    (Path(where) / context["ti"].task_id).write_text(words.WORDS)
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run SPEC in a project with a script, a package and Python for Airflow; return the project."""
    folder = tmp_path_factory.mktemp("project")
    local = (ROOT / "specs/environments/local.yaml").read_text()
    files = {
        "specs/environments/local.yaml": f"{local}code: [my_team]\n",
        "specs/own.yaml": SPEC % folder,
        "train.py": TRAIN,
        "pipelines/evaluation.yaml": (TESTS / "runtime/templates/evaluation.yaml").read_text(),
        "steps.py": STEPS,
        "src/captions/fit.py": TRAIN.replace("from steps", "from captions.steps"),
        "src/captions/steps.py": STEPS,
        "my_team/report.py": REPORT,
        "my_team/tell.py": TELL,
        "my_team/dags.py": f"# airflow dag\nopen({str(folder / 'parsed')!r}, 'w')\n",
        "my_team/words.py": "WORDS = 'own words'\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    done = processes.run(
        [sys.executable, "-m", "dagfactory", "run", "specs/own.yaml", "--timeout", "4m"],
        cwd=folder,
        # nothing of the project is on the path by itself
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_script_and_the_package_were_installed_and_ran(ran):
    objects = StateFolders(ran / ".dagfactory").objects
    found = [json.loads(path.read_text()) for path in objects.rglob("out.json")]
    assert sorted(each["rate"] for each in found) == [3, 4]
    assert all("/packages/" in each["file"] for each in found)


def test_a_task_called_the_code_of_the_bundle(ran):
    (log,) = (ran / ".dagfactory/logs").rglob("*task_id=report*/*.log")
    text = log.read_text()
    assert "own words of 2 folders, 10 characters, " in text
    assert "dagfactory_code_" in text


def test_an_alert_called_it_too(ran):
    told = {path.name: path.read_text() for path in (ran / "told").iterdir()}
    assert told == dict.fromkeys(
        ("script", "package", "report", "judge", "good", "passed"), "own words"
    )


def test_airflow_never_looked_for_dags_in_the_code(ran):
    assert not (ran / "parsed").exists()


def test_a_compiled_pipeline_ran_and_its_output_opened_a_gate(ran):
    (log,) = (ran / ".dagfactory/logs").rglob("*task_id=passed*/*.log")
    found = re.search(r"pipelineJobs/own-judge-[0-9a-f]{16}-1 has 0\.9", log.read_text())
    assert found, log.read_text()
    objects = StateFolders(ran / ".dagfactory").objects
    assert list(objects.rglob("judge/own-judge-*/**/report"))
