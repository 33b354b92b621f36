"""The links of tasks through Airflow's own REST API: running, deferred, finished, failed, retried, mapped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lines import AIRFLOW_2
from paths import TESTS

import dagfactory.runtime
from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.airflow_install import VARIABLE
from dagfactory.run.events import RunResult
from dagfactory.run.execute import RunOptions, session
from dagfactory.run.state_folders import StateFolders

pytestmark = pytest.mark.timeout(400)

DAG = """
from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from dagfactory_runtime_0.gate import GateOperator
from dagfactory_runtime_0.job import VertexJobOperator
from dagfactory_runtime_0.lazy import LazyOperator

BASE = "gs://demo-ml/runs/{{ run_id }}"


def job(name, code):
    container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": container}
    pools = [pool | {"replicaCount": 1}]
    return {"workerPoolSpecs": pools, "baseOutputDirectory": {"outputUriPrefix": f"{BASE}/{name}"}}


place = {"project": "demo", "region": "us-central1", "poll": 1, "retry_delay": timedelta(0)}
with DAG("links", start_date=datetime(2026, 1, 1), schedule=None):
    VertexJobOperator(task_id="done", job=job("done", "exit 0"), **place)
    VertexJobOperator(task_id="fails", job=job("fails", "exit 1"), **place)
    code = "exit {{ 1 if ti.try_number == 1 else 0 }}"
    VertexJobOperator(task_id="retried", job=job("retried", code), retries=1, **place)
    code = 'until [ -e "$GCSFUSE_ROOT/demo-ml/go" ]; do sleep 0.2; done'
    VertexJobOperator(task_id="deferred", job=job("deferred", code), **place)
    each = VertexJobOperator.partial(task_id="each", job=job("each", "exit 0"), **place)
    each.expand(params=[{"for_each": 1}, {"for_each": 2}])
    path = "airflow.providers.google.cloud.operators.gcs.GCSCreateBucketOperator"
    arguments = {"bucket_name": "links-made", "project_id": "demo"}
    lazy = LazyOperator(task_id="lazy", operator=path, arguments=arguments)
    sides = {"then": ["lazy"], "otherwise": []}
    asked = {"query": "SELECT 1 AS n", "when": ["cmp", ["metric", "n"], ">=", ["num", 1]], "text": "n >= 1"}
    GateOperator(task_id="asks", project="demo", **asked, **sides) >> lazy
"""


@dataclass
class Done:
    """A run that has ended, the links of the task that was deferred, and of all at the end."""

    result: RunResult
    api: AirflowApi
    deferred: dict[str, str | None]

    def links(self, task: str, index: int = -1) -> dict[str, str | None]:
        return links(self.api, self.result.run_id, task, index)

    def job(self, task: str) -> str:
        """Return the number of the job that a task returned."""
        (found,) = [each for each in self.result.tasks if each.task_id == task]
        return str(found.value["job"].rpartition("/")[2])


def links(api: AirflowApi, run_id: str, task: str, index: int = -1) -> dict[str, Any]:
    query = {"map_index": index} if index >= 0 else {}
    found = api.get("dags", "links", "dagRuns", run_id, "taskInstances", task, "links", **query)
    return dict(found.get("extra_links", found))


def until_deferred(api: AirflowApi, run_id: str) -> dict[str, Any]:
    path = ("dags", "links", "dagRuns", run_id, "taskInstances", "deferred")
    deadline = time.monotonic() + 120
    while api.get(*path)["state"] != "deferred":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return links(api, run_id, "deferred")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("airflow3", marks=pytest.mark.e2e),
        pytest.param("airflow2", marks=pytest.mark.airflow2),
    ],
)
def done(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("links")
    dags, state = folder / "dags", StateFolders(folder / "s", request.param)
    shutil.copytree(Path(dagfactory.runtime.__file__).parent, dags / "dagfactory_runtime_0")
    (dags / ".airflowignore").write_text("dagfactory_runtime_0\n")
    (dags / "links.py").write_text(DAG)
    emulator = ("--workdir", str(TESTS / "runtime"), "--bucket", "demo-ml")
    options = RunOptions(target=request.param, emulator=emulator)
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "airflow2":
            patch.setenv(VARIABLE, str(AIRFLOW_2))
        with session(dags, state=state, options=options, on_event=print) as running:
            run = running.start("links", {})
            seen = until_deferred(running.airflow.api, run.watcher.run_id)
            (state.objects / "demo-ml").mkdir(exist_ok=True)
            (state.objects / "demo-ml/go").touch()
            yield Done(run.complete(200), running.airflow.api, seen)


def of_job(found: dict[str, str | None]) -> str:
    """Return the address of the job, whatever the line calls the link."""
    return str(found.get("Vertex AI job") or found.get("Vertex AI Training"))


def test_each_state_has_its_job(done: Done) -> None:
    states = {each.task_id: each.state for each in done.result.tasks}
    assert (states["fails"], states["retried"], states["deferred"]) == (
        "failed",
        "success",
        "success",
    )
    assert of_job(done.deferred) == of_job(done.links("deferred"))
    for task in ("done", "retried", "deferred"):
        assert f"/training/{done.job(task)}?project=demo" in of_job(done.links(task))
    assert "/training/" in of_job(done.links("fails"))


def test_what_a_line_shows(done: Done) -> None:
    found = done.links("done")
    if done.api.version == "v1":  # the classes that Google's provider has registered
        assert set(found) == {"Vertex AI Training", "GCS Storage"}
        assert str(found["GCS Storage"]).endswith("/done")
        return
    assert set(found) == {"Vertex AI job", "Logs", "TensorBoard", "Files"}
    assert found["TensorBoard"] is None
    assert "job_id%3D%22" in str(found["Logs"])
    assert str(found["Files"]).endswith("/done")


def test_a_mapped_task_has_links_of_each_index(done: Done) -> None:
    if done.api.version == "v1":  # its REST API knows no index
        return
    first, second = of_job(done.links("each", 0)), of_job(done.links("each", 1))
    assert "/training/" in first
    assert "/training/" in second
    assert first != second


def test_an_operator_of_googles_shows_its_name_and_its_link(done: Done) -> None:
    (lazy,) = [each for each in done.result.tasks if each.task_id == "lazy"]
    assert (lazy.operator, lazy.state) == ("GCSCreateBucketOperator", "success")
    if done.api.version == "v2":
        assert "links-made" in str(done.links("lazy")["Google Cloud"])


def test_a_gate_shows_the_query_that_it_asked(done: Done) -> None:
    found = done.links("asks")
    address = str(found.get("BigQuery job") or found.get("BigQuery Job Detail"))
    assert address.startswith("https://console.cloud.google.com/bigquery?project=demo&ws=")
    assert "!3sUS" in address
