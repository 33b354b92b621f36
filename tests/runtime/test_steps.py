"""What a task does at each step of its life, against the emulator: cancelled, moved on, resumed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from deferred import Task

from dagfactory.runtime import jobstate
from dagfactory.runtime.gate import GateOperator
from dagfactory.runtime.job import VertexJobOperator
from dagfactory.runtime.session import HttpError
from dagfactory.runtime.taskjobs import TaskJobs
from dagfactory.runtime.vertex import VertexClient

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

SLEEP = "exec sleep 600"
LATE_SUCCESS = """
trap 'until [ -e {0}/go ]; do sleep 0.1; done; exit 0' TERM
touch {0}/ready; while true; do sleep 0.2; done
"""


def job(code: str, directory: str, **scheduling: Any) -> dict[str, Any]:
    container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "containerSpec": container}
    return {
        "workerPoolSpecs": [pool | {"replicaCount": 1}],
        "scheduling": scheduling,
        "baseOutputDirectory": {"outputUriPrefix": directory},
    }


def task(code: str = "exec sleep 600", *, ti: Any = None, **arguments: Any) -> Task:
    """Return a task of its own name that runs a text of shell."""
    name, scheduling = f"t{uuid4().hex[:8]}", arguments.pop("scheduling", {})
    directory = arguments.pop("directory", "gs://demo-ml/steps")
    place = {"project": "demo", "region": "us-central1", "poll": 1} | arguments

    def make() -> VertexJobOperator:
        return VertexJobOperator(task_id=name, job=job(code, directory, **scheduling), **place)

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


@pytest.mark.parametrize("woken", [Task.resume, Task.run_out])
def test_a_job_is_launched_only_after_the_cancelled_one_has_ended(tmp_path, woken):
    old = task(LATE_SUCCESS.format(tmp_path))
    old.execute()
    wait_for(tmp_path / "ready")
    new = Task(lambda: renamed(task("exit 0"), old), old.ti)
    new.execute()
    assert states(new) == ["CANCELLING"]
    assert new.deferral.method_name == "execute_after_cancel"
    (tmp_path / "go").touch()
    new.reach(0, "SUCCEEDED")  # success is not guaranteed, says Google of a cancellation
    woken(new)
    assert len(states(new)) == 2
    new.reach(1, "SUCCEEDED")
    assert new.resume()["job"] == new.jobs()[1]["name"]


def test_a_retry_takes_the_job_that_succeeded_while_it_was_cancelled(tmp_path):
    retried = SimpleNamespace(max_tries=1)
    made = task(LATE_SUCCESS.format(tmp_path), ti=retried, retries=1)
    made.execute()
    wait_for(tmp_path / "ready")
    made.cancel(0)
    made.ti.try_number = 2
    made.execute()
    assert made.deferral.method_name == "execute_after_cancel"
    (tmp_path / "go").touch()
    made.reach(0, "SUCCEEDED")
    assert made.resume()["job"] == made.jobs()[0]["name"]
    assert len(states(made)) == 1


def test_a_job_that_ended_before_it_could_be_cancelled_is_no_error():
    made = task("exit 0")
    made.execute()
    made.reach(0, "SUCCEEDED")
    made.cancel(0)
    assert states(made) == ["SUCCEEDED"]


def test_a_refused_fallback_is_one_place_less(emulator):
    emulator.faults("stockout:1:us-east1", "unsupported:1:us-east4")
    fallback = [{"region": "us-east4"}, {"region": "us-west1"}]
    made = task("exit 0", region="us-east1", fallback=fallback)
    made.execute()
    made.reach(0, "FAILED")
    made.resume()  # us-east4 refuses; us-west1 is the third place
    assert [each["name"].split("/")[3] for each in made.jobs()] == ["us-east1", "us-west1"]
    made.reach(1, "SUCCEEDED")
    assert made.resume()["region"] == "us-west1"


def test_the_last_refusal_names_every_place(emulator):
    from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

    emulator.faults("stockout:1:us-east1", "unsupported:1:us-east4")
    made = task(region="us-east1", fallback=[{"region": "us-east4"}])
    made.execute()
    made.reach(0, "FAILED")
    with pytest.raises(AirflowException, match="as asked: STOCKOUT") as raised:
        made.resume()
    assert '{"region": "us-east4"}: 400 INVALID_ARGUMENT: Machine type' in str(raised.value)
    assert not isinstance(raised.value, AirflowFailException)


def test_a_machine_that_no_place_knows_is_not_retried(emulator):
    from airflow.providers.common.compat.sdk import AirflowFailException

    emulator.faults("unsupported:9")
    with pytest.raises(AirflowFailException, match=r"refused the job .* 2 place\(s\) tried"):
        task(fallback=[{"region": "us-east4"}]).execute()


def test_a_bucket_in_another_region_than_a_fallback_is_named_with_what_to_do(
    emulator, storage_bucket
):
    from airflow.providers.common.compat.sdk import AirflowException

    directory = f"gs://{storage_bucket('us-central1')}/runs"
    emulator.faults("quota:1:us-central1")
    with pytest.raises(AirflowException, match="is in location `us-central1`") as raised:
        task(directory=directory, fallback=[{"region": "us-east4"}]).execute()
    assert "delete `region` from `fallback`" in str(raised.value)


def test_a_failure_is_judged_when_its_error_is_known(emulator, monkeypatch):
    emulator.faults("stockout:1:us-east1", "late:8:error")
    made = task("exit 0", region="us-east1", fallback=[{"region": "us-east4"}])
    made.execute()
    assert "error" not in made.reach(0, "FAILED")
    made.resume()
    assert jobstate.state_of(made.reach(1)) == "SUCCEEDED"


def test_a_failure_without_a_reason_is_not_waited_for_for_ever(emulator, monkeypatch):
    from airflow.providers.common.compat.sdk import AirflowException

    monkeypatch.setattr("dagfactory.runtime.awaited.ERROR_DELAY", 2.0)
    emulator.faults("stockout:1", "late:600:error")
    made = task()
    made.execute()
    made.reach(0, "FAILED")
    with pytest.raises(AirflowException, match="Vertex AI gave no reason"):
        made.resume()


@pytest.mark.parametrize("strategy", ["STANDARD", "SPOT"])
def test_a_job_that_waits_too_long_is_given_up_for_the_next_place(emulator, strategy):
    emulator.faults("slow_queue:600")
    limits = {"strategy": strategy, "maxWaitDuration": "60s"}
    made = task("exit 0", scheduling=limits, fallback=[{"region": "us-east4"}])
    made.execute()
    assert 0 < made.deferral.timeout.total_seconds() <= 60
    made.run_out()  # too early by a clock that differs: it waits on
    assert states(made) == ["PENDING"]
    aged(made)
    made.run_out()
    made.reach(0, "CANCELLED")
    emulator.faults()
    made.resume()
    assert made.jobs()[1]["name"].split("/")[3] == "us-east4"
    made.reach(1, "SUCCEEDED")
    assert made.resume()["region"] == "us-east4"


@pytest.mark.parametrize("woken", [Task.resume, Task.run_out])
def test_the_last_message_counts_every_place_whatever_wakes_the_task(emulator, woken):
    from airflow.providers.common.compat.sdk import AirflowException

    fallback = [{"region": "us-east4"}, {"region": "us-west1"}]
    made = task("exit 0", region="us-east1", fallback=fallback)
    emulator.faults("stockout:1:us-east1", "unsupported:1:us-east4", "stockout:1:us-west1")
    made.execute()
    made.reach(0, "FAILED")
    woken(made)
    made.reach(1, "FAILED")
    with pytest.raises(AirflowException, match=r"3 place\(s\) tried"):
        woken(made)


def test_a_job_that_was_given_up_is_so_when_the_time_limit_wakes_the_task(emulator):
    emulator.faults("slow_queue:600")
    limits = {"maxWaitDuration": "60s"}
    made = task("exit 0", scheduling=limits, fallback=[{"region": "us-east4"}])
    made.execute()
    aged(made)
    made.run_out()
    made.reach(0, "CANCELLED")
    emulator.faults()
    made.run_out()
    assert made.jobs()[1]["name"].split("/")[3] == "us-east4"
    made.reach(1, "SUCCEEDED")


def test_a_job_that_was_given_up_by_a_process_that_died_is_no_persons_decision(emulator):
    emulator.faults("slow_queue:600")
    limits = {"maxWaitDuration": "60s"}
    made = task("exit 0", scheduling=limits, fallback=[{"region": "us-east4"}])
    made.execute()
    aged(made)
    alive = made.make

    def dying() -> Any:
        operator = alive()

        def wait(*_rest: Any) -> None:
            raise TerminatedError

        operator._wait = wait
        return operator

    made.make = dying
    with pytest.raises(TerminatedError):
        made.run_out()
    made.reach(0, "CANCELLED")
    made.make = alive
    emulator.faults()
    made.run_out()
    assert made.jobs()[1]["name"].split("/")[3] == "us-east4"
    made.reach(1, "SUCCEEDED")


def test_a_job_that_got_its_machine_in_time_is_left_alone():
    made = task(SLEEP, scheduling={"maxWaitDuration": "60s"})
    made.execute()
    made.reach(0, "RUNNING")
    aged(made)
    made.run_out()
    assert (states(made), made.deferral.timeout) == (["RUNNING"], None)
    made.cancel(0)


def test_without_another_place_a_long_wait_is_retried(emulator):
    from airflow.providers.common.compat.sdk import AirflowException

    emulator.faults("slow_queue:600")
    made = task(scheduling={"maxWaitDuration": "60s"})
    made.execute()
    aged(made)
    made.run_out()
    made.reach(0, "CANCELLED")
    with pytest.raises(AirflowException, match=r"as asked: no machine within 60 s"):
        made.resume()


def aged(made: Task) -> None:
    """Let the next steps see jobs of a task as an hour old."""
    inner = made.make

    def make() -> Any:
        operator = inner()
        left = operator._patience_left
        operator._patience_left = lambda job: None if left(job) is None else left(job) - 3600
        return operator

    made.make = make


def test_another_price_than_asked_for_is_noticed_as_soon_as_it_can_be(emulator):
    from airflow.providers.common.compat.sdk import AirflowFailException

    emulator.faults("late:600:backing")
    made = dropped(task(SLEEP, scheduling={"strategy": "SPOT"}))
    made.execute()
    assert made.notes() == {"unverified": True}
    assert made.deferral.timeout.total_seconds() == 300
    made.run_out()
    emulator.faults()
    with pytest.raises(AirflowFailException, match="created the job with STANDARD"):
        made.run_out()
    made.reach(0, "CANCELLED")


def test_a_price_that_was_never_known_is_said(emulator, capsys):
    emulator.faults("late:600:backing")
    made = dropped(task("sleep 12", scheduling={"strategy": "SPOT"}))
    made.execute()
    made.reach(0, "SUCCEEDED")
    assert made.resume()["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert (
        "has run to its end, though asked for scheduling.strategy SPOT" in capsys.readouterr().out
    )


def dropped(made: Task) -> Task:
    """Let Vertex AI drop the scheduling of a task's jobs, as versions do that do not know a field."""
    inner = made.make

    def make() -> Any:
        operator = inner()
        body = operator.request_body
        operator.request_body = lambda job, *rest: body({**job, "scheduling": {}}, *rest)
        return operator

    made.make = make
    return made


def test_polls_may_fail_a_few_times_an_hour():
    made = task(SLEEP)
    made.execute()
    for _ in range(5):
        made.resume(message="503")
    assert made.deferral.kwargs["hiccups"] == 5
    made.notes()["failing_since"] -= 3601
    made.resume(message="503")
    assert made.deferral.kwargs["hiccups"] == 1
    made.cancel(0)


@pytest.mark.parametrize(("retries", "state"), [(1, "RUNNING"), (0, "CANCELLED")])
def test_a_job_runs_on_for_a_retry_and_only_for_one(retries, state):
    from airflow.providers.common.compat.sdk import AirflowException

    made = task(SLEEP, ti=SimpleNamespace(max_tries=retries))
    made.execute()
    made.reach(0, "RUNNING")
    made.deferral.kwargs["hiccups"] = 5  # as an older runtime has deferred it: without notes
    with pytest.raises(AirflowException, match="waiting for it failed: 503"):
        made.resume(message="503")
    assert jobstate.state_of(made.reach(0, state)) == state
    if retries:
        made.cancel(0)


def test_the_end_of_the_task_is_the_end_of_its_job():
    from datetime import timedelta

    made = task(SLEEP, execution_timeout=timedelta(minutes=10))
    made.execute()
    assert 590 < made.deferral.timeout.total_seconds() <= 600
    made.ti.start_date -= timedelta(minutes=10)
    with pytest.raises(Exception, match="Trigger timeout"):
        made.run_out()
    made.reach(0, "CANCELLED")


@pytest.fixture
def storage_bucket():
    """Return a function that creates a bucket in a region."""
    from google.cloud import storage

    client = storage.Client(project="demo")

    def create(region: str) -> str:
        return str(client.create_bucket(f"steps-{uuid4().hex[:8]}", location=region).name)

    yield create
    client.close()


def renamed(other: Task, like: Task) -> Any:
    operator = other.make()
    operator.task_id = like.ti.task_id
    return operator


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} was never made"
        time.sleep(0.05)


class TerminatedError(BaseException):
    """What Airflow 2 raises out of whatever a task does, after `on_kill`."""


def test_a_region_that_cannot_be_listed_does_not_keep_the_jobs_of_others(monkeypatch):
    from airflow.providers.common.compat.sdk import AirflowException

    made = task(fallback=[{"region": "us-east4"}])
    made.execute()
    made.reach(0, "RUNNING")
    listed = TaskJobs.of_region

    # no fault of the emulator fails one region alone
    def fails(jobs, client):
        if client.region == "us-east4":
            raise AirflowException("503")
        return listed(jobs, client)

    operator = made.make()
    operator._identify({"ti": made.ti})
    with monkeypatch.context() as patched:
        patched.setattr(TaskJobs, "of_region", fails)
        with pytest.raises(AirflowException, match="503"):
            operator._jobs.cancel_live("the task was killed")
    assert jobstate.state_of(made.reach(0)) == "CANCELLED"


def test_a_job_that_was_created_while_the_task_was_killed_is_cancelled():
    made = task()
    operator = made.make()
    create = operator._create

    def killed(*arguments):
        create(*arguments)
        operator._killed = True  # `on_kill` came before the job could be found
        raise TerminatedError

    operator._create = killed
    with pytest.raises(TerminatedError):
        operator.execute({"ti": made.ti})
    assert jobstate.state_of(made.reach(0)) == "CANCELLED"
    assert len(made.jobs()) == 1


def test_a_job_behind_an_error_of_capacity_is_not_launched_again_elsewhere(monkeypatch):
    answer = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "check quota"}

    def refused(client, path, body, *_rest):
        client.send(path, body)  # it was created, and the answer was lost
        raise HttpError(429, json.dumps({"error": answer}).encode())

    made = task(fallback=[{"strategy": "STANDARD"}])
    with monkeypatch.context() as patched:
        patched.setattr(VertexClient, "create_once", refused)
        made.execute()
    assert len(made.jobs()) == 1
    assert made.deferral.method_name == "execute_complete"
    made.cancel(0)


@pytest.mark.filterwarnings("ignore:.*use_legacy_sql")
def test_a_query_without_a_row_is_nothing_to_decide_on():
    from airflow.providers.common.compat.sdk import AirflowFailException

    gate = GateOperator(task_id="g", when=[], text="", then=[], otherwise=[], project="demo")
    with pytest.raises(AirflowFailException, match="no row"):
        gate._first_row("SELECT 1 AS n FROM UNNEST([1]) AS x WHERE x > 1", Task(lambda: gate).ti)
    assert gate._first_row("SELECT 2 AS n", Task(lambda: gate).ti) == {"n": 2}
