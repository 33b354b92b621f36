"""What a task shows of its job: links before it waits, the job's own times, one line for each change."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from deferred import Task

from dagfactory.runtime import jobstate, links, observability, stats
from dagfactory.runtime.job import VertexJobOperator

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

BOARD = "projects/demo/locations/us-central1/tensorboards/7"


class Store(dict[str, Any]):
    """A task's state store, which Airflow 3.3 keeps over its tries."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


class Recorded:
    """What Airflow's Stats hands to its backend."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, dict[str, str]]] = []

    def incr(self, stat: str, *_: Any, tags: dict[str, str]) -> None:
        self.sent.append((stat, 1, tags))

    def timing(self, stat: str, dt: timedelta, *, tags: dict[str, str]) -> None:
        self.sent.append((stat, dt.total_seconds(), tags))


@pytest.fixture
def recorded(monkeypatch):
    from airflow.sdk._shared.observability.metrics import stats as backend

    kept = Recorded()
    monkeypatch.setattr(backend, "_backend", kept)
    return kept


def task(code: str, board: str = BOARD, **arguments: Any) -> tuple[Task, dict[str, str]]:
    name, pushed = f"t{uuid4().hex[:8]}", {}
    container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": container}
    job = {
        "workerPoolSpecs": [pool | {"replicaCount": 1}],
        "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/seen/a b"},
        "serviceAccount": "trainer@demo.iam.gserviceaccount.com",
    } | ({"tensorboard": board} if board else {})
    place = {"project": "demo", "region": "us-central1", "poll": 1} | arguments

    def push(key: str, value: str) -> None:
        pushed[key] = value

    def make() -> VertexJobOperator:
        return VertexJobOperator(task_id=name, job=job, **place)

    return Task(make, SimpleNamespace(xcom_push=push)), pushed


def number(name: str) -> str:
    return name.rpartition("/")[2]


def test_links_are_there_before_the_task_waits_and_name_the_job_behind_once_it_is_known(recorded):
    made, pushed = task("exit 0")
    made.execute()
    (job,) = made.jobs()
    assert f"training/{number(job['name'])}?project=demo" in pushed["training_conf"]
    assert pushed["storage_conf"].endswith("/storage/browser/demo-ml/seen/a%20b")
    assert "dagfactory_tensorboard" not in pushed
    ended = made.reach(0)
    made.resume()
    behind = number(ended["trainingTaskMetadata"]["backingCustomJob"])
    assert f"job_id%3D%22{behind}%22?project=demo" in pushed["dagfactory_logs"]
    assert pushed["dagfactory_tensorboard"] == (
        "https://us-central1.tensorboard.googleusercontent.com/experiment/"
        f"projects+demo+locations+us-central1+tensorboards+7+experiments+{behind}"
    )


def test_a_name_that_is_no_tensorboard_has_no_link():
    assert links.tensorboard("7", "1") is None
    assert links.tensorboard(BOARD, None) is None


def test_metrics_are_the_times_of_the_job_that_ran(recorded):
    made, _ = task("sleep 0.3")
    made.execute()
    ran = made.make()._job_behind(made.reach(0))
    made.resume()
    tags = {"dag_id": "steps", "task_id": made.ti.task_id, "region": "us-central1"}
    tags |= {"strategy": "STANDARD", "machine": "n1-standard-4"}
    assert recorded.sent == [
        (stats.WAITING, jobstate.elapsed(ran, "createTime", "startTime"), tags),
        (stats.RUNNING, jobstate.elapsed(ran, "startTime", "endTime"), tags),
    ]


def test_a_fallback_and_preemptions_are_counted(recorded, emulator):
    # Vertex AI refuses a TensorBoard of another region
    made, pushed = task("exit 0", board="", fallback=[{"region": "us-east1"}])
    emulator.faults("stockout:1:us-central1")
    made.execute()
    made.reach(0, "FAILED")
    first = pushed["training_conf"]
    made.resume()
    assert (stats.FALLBACKS, 1) in [each[:2] for each in recorded.sent]
    assert "us-central1" in first
    assert "us-east1" in pushed["training_conf"]
    failed = made.jobs()[0] | {
        "error": {"message": "STOCKOUT: the Spot VMs were preempted 7 times."}
    }
    observability.ended(made.make(), {"ti": made.ti}, failed, lambda _: None)
    assert (stats.PREEMPTIONS, 1) in [each[:2] for each in recorded.sent]


def test_a_line_says_state_times_place_and_what_changed(capsys):
    made, _ = task("exit 0")
    made.execute()
    job, context = made.reach(0), {"ti": made.ti, "task_state_store": Store()}
    context["task_state_store"].set(observability.STORED, {"job": job["name"], "state": "QUEUED"})
    operator = made.make()
    capsys.readouterr()
    observability.ended(operator, context, job, operator._job_behind)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "waited" in each]
    assert f"{job['name']}: SUCCEEDED, waited " in line
    assert "; us-central1, STANDARD, n1-standard-4 (was QUEUED)" in line
    assert context["task_state_store"][observability.STORED]["state"] == "SUCCEEDED"


def test_no_task_fails_for_a_link_a_metric_or_its_store(capsys, caplog):
    made, _ = task("exit 0")
    made.ti.xcom_push = None
    name = "projects/demo/locations/us-central1/trainingPipelines/7"
    job = {"name": name, "state": "PIPELINE_STATE_SUCCEEDED"}
    context = {"ti": made.ti, "task_state_store": object()}
    observability.ended(made.make(), context, job, lambda _: 1 / 0)
    del made.ti.dag_id
    stats.counted(stats.FALLBACKS, made.ti)
    said = capsys.readouterr().out + caplog.text
    for problem in (
        "is not shown",
        "is not stored",
        "is not reported",
        "are those of its pipeline",
    ):
        assert problem in said


def test_airflow_pushes_again_what_an_earlier_process_has_pushed():
    (link,) = [each for each in VertexJobOperator.operator_extra_links if each is links.JOB]
    operator = SimpleNamespace(resumed=False)
    assert link.get_link(operator, ti_key=None) == ""
    links.push(operator, SimpleNamespace(xcom_push=lambda **_: None), {links.JOB: "https://x"})
    assert link.get_link(operator, ti_key=None) == "https://x"
