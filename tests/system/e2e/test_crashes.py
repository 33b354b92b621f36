"""A task's process dies at a request to Vertex AI, in a real Airflow: its retry finds the job.

Two tasks; `make long` runs one for each request, at each moment, of three ways through a task.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import history
import pytest
from paths import TESTS
from size import LONG, sampled

import dagfactory.runtime
from dagfactory.run.events import RunResult
from dagfactory.run.execute import RunOptions, session
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600 if LONG else 600)]

MOMENTS = ("unsent", "unanswered", "unread")
REQUESTS = {"plain": (2, 1), "spot": (3, 1), "stockout": (3, 4, 1)}
"""For each way the requests of each of its processes."""

DEATHS = [
    (way, step, request, moment)
    for way, counts in REQUESTS.items()
    for step, count in enumerate(counts)
    for request in range(1, count + 2)
    for moment in (MOMENTS if request <= count else ("unreported",))
]
DAG = """
import sys
from datetime import datetime, timedelta

sys.path.append({helpers!r})
from airflow.providers.common.compat.sdk import DAG
from dying import dying

from runtime_under_test.job import VertexJobOperator

Job = dying(VertexJobOperator, {folder!r})
CONTAINER = {{"imageUri": "trainer", "command": ["sleep"], "args": ["5"]}}
POOL = {{"machineSpec": {{"machineType": "n1-standard-4"}}, "containerSpec": CONTAINER, "replicaCount": 1}}
PLACES = {{
    "plain": {{"region": "us-central1"}},
    "spot": {{"region": "us-central1"}},
    "stockout": {{"region": "us-east1", "fallback": [{{"region": "us-east4"}}]}},
}}

with DAG("crashes", start_date=datetime(2026, 1, 1), schedule=None):
    for way, *death in {deaths}:
        Job(
            task_id="-".join(map(str, (way, *death))),
            death=death,
            job={{
                "workerPoolSpecs": [POOL],
                "scheduling": {{"strategy": "SPOT" if way == "spot" else "STANDARD"}},
            }},
            project="demo",
            poll=1,
            retries=3,
            retry_delay=timedelta(0),
            **PLACES[way],
        )
"""


@pytest.fixture(scope="module")
def deaths() -> list[tuple[str, int, int, str]]:
    return sampled(DEATHS, 2)


@pytest.fixture(scope="module")
def done(deaths, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, StateFolders]:
    folder = tmp_path_factory.mktemp("crashes")
    dags, state = folder / "dags", StateFolders(folder / "state")
    package = dags / "runtime_under_test"
    shutil.copytree(Path(dagfactory.runtime.__file__).parent, package)
    (dags / ".airflowignore").write_text(f"{package.name}\n")
    given = {"helpers": str(TESTS / "helpers"), "folder": str(folder / "steps")}
    (dags / "crashes.py").write_text(DAG.format(**given, deaths=json.dumps(deaths)))
    emulator = ["--project", "demo", "--slots", "8", "--fault", "stockout:999:us-east1"]
    options = RunOptions(emulator=emulator)
    with session(dags, state=state, options=options, on_event=lambda _: None) as running:
        return running.start("crashes", {}).complete(3000 if LONG else 400), state


def test_every_task_ends_well_after_its_death(deaths, done) -> None:
    result, _ = done
    found = {task.task_id: (task.state, task.tries) for task in result.tasks}
    names = ["-".join(map(str, death)) for death in deaths]
    ends = ", ".join(f"{count} {end}" for end, count in Counter(found.values()).items())
    print(f"{len(names)} crash points in Airflow: {ends}")  # noqa: T201
    assert found == dict.fromkeys(names, ("success", 2))


def test_no_job_ran_beside_another_or_was_left(deaths, done) -> None:
    _, state = done
    assert history.problems(state.emulator) == []
    assert len({life.task for life in history.jobs(state.emulator)}) == len(deaths)
