"""`dagfactory up`: two runs borrow one Airflow, the second goes on with the first."""

import sys

import pytest
from processes import output, run

from dagfactory.run.records import records
from dagfactory.run.state_folders import locked

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """
pipeline: kept
schedule: null
tasks:
  first: {type: train, image: "python:3.11", machine: {type: n1-standard-4},
          command: [python, -c, "open('first', 'a').write('x')"]}
  second: {type: train, image: "python:3.11", machine: {type: n1-standard-4}, after: [first],
           retries: {attempts: 0}, command: [python, -c, "open('there')"]}
"""
COMMAND = [sys.executable, "-m", "dagfactory"]


def _run(project, *options):
    command = [*COMMAND, "run", "specs/spec.yaml", *options]
    return run(command, cwd=project, capture_output=True, text=True)


def test_runs_borrow_what_is_up_and_go_on_where_one_has_failed(project):
    output([*COMMAND, "up"], cwd=project)
    failed = _run(project)
    assert failed.returncode == 1, failed.stderr
    assert "Airflow of `dagfactory up` ready" in failed.stderr
    assert "go on from there: dagfactory run specs/spec.yaml --rerun-failed" in failed.stdout
    (project / "there").touch()
    again = _run(project, "--rerun-failed")
    assert again.returncode == 0, again.stderr
    assert (project / "first").read_text() == "x"
    assert [each.state for each in records(project / ".dagfactory")] == ["success"]
    assert output([*COMMAND, "up", "--stop"], cwd=project) == "stopped\n"
    with locked(project / ".dagfactory"):
        pass
