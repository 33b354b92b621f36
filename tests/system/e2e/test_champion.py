"""A challenger becomes the champion where it is better and a person agrees: each outcome in one Airflow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagfactory.run.approvals import Approvals
from dagfactory.run.events import Event, RunResult, TaskChange
from dagfactory.run.execute import AirflowSession, RunOptions, session
from dagfactory.run.prepare import prepare
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """
pipeline: champion
schedule: null
params: {accuracy: {type: number, default: 0.9}}
tasks:
  train:
    type: train
    image: us-docker.pkg.dev/p/r/t:1
    machine: {type: n1-standard-4}
    command:
      - sh
      - -c
      - |
        folder="$GCSFUSE_ROOT/${AIP_MODEL_DIR#gs://}" && mkdir -p "$folder" &&
        echo '{"accuracy": {{ params.accuracy }}}' > "$folder/metrics.json"
  better:
    type: gate
    metrics:
      new: ${tasks.train.metrics}
      old: {model: demo, default: {accuracy: 0.5}}
    when: new.accuracy > old.accuracy
    then: register
    else: keep
  register:
    type: upload_model
    name: demo
    artifact: ${tasks.train.model_dir}
    serving: {image: "us-docker.pkg.dev/p/r/s:1"}
  agreed: {type: approval, subject: "Promote ${tasks.register.model}?", body: "${tasks.better.reason}"}
  promote: {type: promote, model: "${tasks.register.model}", after: [agreed]}
  told: {type: bash, command: "echo '${tasks.agreed.by}'", after: [agreed]}
  keep: {type: empty}
""".replace("${AIP", "$${AIP")


@pytest.fixture(scope="module")
def running(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSession]:
    folder = tmp_path_factory.mktemp("champion")
    prepared = prepare(project / "specs/spec.yaml", environment="local", into=folder / "bundle")
    state = StateFolders(folder / "state", prepared.target)
    options = RunOptions(emulator=prepared.emulator, order=prepared.tasks)
    with session(prepared.dags, state=state, options=options, on_event=print) as made:
        yield made


def ran(running: AirflowSession, accuracy: float, approvals: Approvals) -> RunResult:
    answering = replace(running, approvals=approvals)
    return answering.start("champion", {"accuracy": accuracy}).complete(200)


def refused_on_terminal(running: AirflowSession) -> RunResult:
    """Type `n` when the question is on the screen."""
    keyboard, screen = os.openpty()

    def typing(event: Event) -> None:
        if isinstance(event, TaskChange) and "[y or n, then Enter]" in event.note:
            os.write(keyboard, b"n\n")

    try:
        with os.fdopen(screen) as terminal:
            timer = replace(running.timer, tell=typing)
            return ran(replace(running, timer=timer), 0.95, Approvals(terminal=terminal))
    finally:
        os.close(keyboard)


def states(result: RunResult) -> dict[str, str]:
    return {each.task_id: each.state for each in result.tasks}


def values(result: RunResult) -> dict[str, dict[str, str]]:
    return {each.task_id: each.value for each in result.tasks if isinstance(each.value, dict)}


def test_a_champion_is_made_and_defended(running: AirflowSession) -> None:
    first = ran(running, 0.9, Approvals({"agreed": "Approve"}))
    assert states(first) == dict.fromkeys(states(first), "success") | {"keep": "skipped"}
    champion = values(first)["promote"]
    assert (champion["previous"], champion["alias"]) == (None, "champion")

    worse = ran(running, 0.8, Approvals())
    assert values(worse)["better"]["reason"] == "new.accuracy (0.8) > old.accuracy (0.9) is false"
    assert (states(worse)["keep"], states(worse)["agreed"]) == ("success", "skipped")

    refused = refused_on_terminal(running)
    assert refused.state == "success"
    assert (states(refused)["agreed"], states(refused)["promote"]) == ("success", "skipped")
