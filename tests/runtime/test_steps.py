"""What a task does at each step of its life, against the emulator: cancelled, moved on, resumed."""

from __future__ import annotations

import gc
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from deferred import Task

from dagfactory.runtime import jobstate
from dagfactory.runtime.job import VertexJobOperator

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

STUBBORN = "trap '' TERM; while true; do sleep 0.2; done"
LATE_SUCCESS = "trap 'sleep 1; exit 0' TERM; while true; do sleep 0.2; done"


@pytest.fixture(autouse=True)
def connected(emulator, monkeypatch):
    """Connect operators of this process to the emulator."""
    import httplib2

    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    # httplib2 reads HTTPLIB2_CA_CERTS when it is imported, which another test may have done
    monkeypatch.setattr(httplib2, "CA_CERTS", emulator.env["HTTPLIB2_CA_CERTS"])
    yield
    emulator.faults()
    with warnings.catch_warnings():  # a task's process ends with its sockets open
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def job(code: str, **scheduling: Any) -> dict[str, Any]:
    container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": container}
    return {
        "workerPoolSpecs": [pool | {"replicaCount": 1}],
        "scheduling": scheduling,
        "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/steps"},
    }


def task(code: str = "sleep 600", *, ti: Any = None, **arguments: Any) -> Task:
    """Return a task of its own name that runs a text of shell."""
    name, scheduling = f"t{uuid4().hex[:8]}", arguments.pop("scheduling", {})
    place = {"project": "demo", "region": "us-central1", "poll": 1} | arguments

    def make() -> VertexJobOperator:
        return VertexJobOperator(task_id=name, job=job(code, **scheduling), **place)

    return Task(make, ti or SimpleNamespace())


def states(made: Task) -> list[str]:
    return [jobstate.state_of(each) for each in made.jobs()]


def test_a_job_that_a_person_cancels_is_not_launched_again():
    from airflow.providers.common.compat.sdk import AirflowFailException

    made = task()
    made.execute()
    made.reach(0, "RUNNING")
    made.cancel(0)
    assert made.reach(0)["error"] == {"code": 1, "message": "CANCELED"}
    with pytest.raises(AirflowFailException, match="cancelled outside this task"):
        made.resume()


def test_a_job_that_used_up_its_time_is_retried():
    from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

    made = task(scheduling={"timeout": "1s"})
    made.execute()
    assert jobstate.state_of(made.reach(0)) == "CANCELLED"
    with pytest.raises(AirflowException, match=r"used up its scheduling\.timeout") as raised:
        made.resume()
    assert not isinstance(raised.value, AirflowFailException)


def test_a_job_is_launched_only_after_the_cancelled_one_has_ended(tmp_path):
    ready = tmp_path / "ready"
    old = task(f"touch {ready}; {LATE_SUCCESS}")
    old.execute()
    wait_for(ready)
    new = Task(lambda: renamed(task("exit 0"), old), old.ti)
    new.execute()
    assert states(new) == ["CANCELLING"]
    assert new.deferral.method_name == "execute_after_cancel"
    new.reach(0, "SUCCEEDED")  # success is not guaranteed, says Google of a cancellation
    new.resume()
    assert len(states(new)) == 2
    new.reach(1, "SUCCEEDED")
    assert new.resume()["job"] == new.jobs()[1]["name"]


def test_a_retry_takes_the_job_that_succeeded_while_it_was_cancelled(tmp_path):
    ready = tmp_path / "ready"
    made = task(f"touch {ready}; {LATE_SUCCESS}", ti=SimpleNamespace(max_tries=1), retries=1)
    made.execute()
    wait_for(ready)
    made.cancel(0)
    made.ti.try_number = 2
    made.execute()
    assert made.deferral.method_name == "execute_after_cancel"
    made.reach(0, "SUCCEEDED")
    assert made.resume()["job"] == made.jobs()[0]["name"]
    assert len(states(made)) == 1


def test_a_job_that_ended_before_it_could_be_cancelled_is_no_error():
    made = task("exit 0")
    made.execute()
    made.reach(0, "SUCCEEDED")
    made.cancel(0)
    assert states(made) == ["SUCCEEDED"]


def renamed(other: Task, like: Task) -> Any:
    operator = other.make()
    operator.task_id = like.ti.task_id
    return operator


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was never made"
        time.sleep(0.05)
