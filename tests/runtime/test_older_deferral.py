"""A task that an older runtime deferred resumes under this one; recorded from commit b122411."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
from deferred import Task

from dagfactory.runtime import jobstate
from dagfactory.runtime.job import VertexJobOperator

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

CONTAINER = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", "exit 0"]}
MACHINE = {"machineSpec": {"machineType": "n1-standard-4"}}
JOB = {
    "workerPoolSpecs": [MACHINE | {"containerSpec": CONTAINER, "replicaCount": 1}],
    "scheduling": {},
    "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/steps"},
}
RUN = "manual__2026-11-26T00:00:00+00:00"
REQUEST = {
    "displayName": f"steps/train {RUN}",
    "labels": {
        "dagfactory-dag": "steps",
        "dagfactory-task": "train",
        "dagfactory-run": "4eb7d67f7a4cdddb",
        "dagfactory-map": "-1",
        "dagfactory-spec": "35b1bc0ce016ea99",
        "dagfactory-choice": "0",
    },
    "trainingTaskDefinition": "gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml",
    "trainingTaskInputs": JOB,
}
METHOD, ARGUMENTS = "execute_complete", {"name": "NAME", "hiccups": 0}
TRIGGER = "airflow.providers.google.cloud.triggers.vertex_ai.CustomContainerTrainingJobTrigger"
TRIGGER_ARGUMENTS = {
    "conn_id": "google_cloud_default",
    "project_id": "demo",
    "location": "us-central1",
    "job_id": "NUMBER",
    "poll_interval": 1,
    "impersonation_chain": None,
}


def make() -> VertexJobOperator:
    place = {"project": "demo", "region": "us-central1", "poll": 1}
    fallback = [{"region": "us-east4"}]
    return VertexJobOperator(task_id="train", job=copy.deepcopy(JOB), fallback=fallback, **place)


def older() -> Task:
    """The task as it was deferred: its job as it was created, what Airflow's database holds."""
    task = Task(make, SimpleNamespace(run_id=RUN))
    for each in task.jobs():  # of the test before
        client = make().client(each["name"].split("/")[3])
        client.call("DELETE", each["name"])
    client = make().client("us-central1")
    job = client.send(f"{client.parent}/trainingPipelines", copy.deepcopy(REQUEST))
    task.deferral = SimpleNamespace(method_name=METHOD, kwargs={**ARGUMENTS, "name": job["name"]})
    return task


def test_it_takes_the_end_of_its_job():
    made = older()
    job = made.reach(0, "SUCCEEDED")
    assert made.resume()["job"] == job["name"]


def test_it_falls_back(emulator):
    emulator.faults("stockout:1:us-central1")
    made = older()
    made.reach(0, "FAILED")
    made.resume()
    assert made.jobs()[1]["name"].split("/")[3] == "us-east4"
    made.reach(1, "SUCCEEDED")
    assert made.resume()["region"] == "us-east4"


def test_a_job_that_it_gave_up_leads_to_the_next_place(emulator):
    emulator.faults("slow_queue:600")
    made = older()
    made.deferral.kwargs |= {"notes": {"given_up": "no machine within 600 s"}}
    made.cancel(0)
    made.reach(0, "CANCELLED")
    made.resume()
    assert made.jobs()[1]["name"].split("/")[3] == "us-east4"
    assert made.notes()["tried"] == [["as asked", "no machine within 600 s"]]
    emulator.faults()
    made.cancel(1)
    made.reach(1)


@pytest.mark.parametrize("begin", [Task.run_out, Task.execute], ids=["time limit", "retry"])
def test_its_job_is_found_by_its_labels(begin):
    made = older()
    job = made.reach(0, "SUCCEEDED")
    made.ti.try_number = 2
    assert begin(made)["job"] == job["name"]
    assert [jobstate.state_of(each) for each in made.jobs()] == ["SUCCEEDED"]


def test_the_triggerer_is_asked_for_the_same_trigger():
    from airflow.sdk.exceptions import TaskDeferred

    made = older()
    job = made.reach(0, "SUCCEEDED")
    operator = make()
    operator._identify({"ti": made.ti})
    with pytest.raises(TaskDeferred) as deferred:
        operator._wait(job)
    number = job["name"].rpartition("/")[2]
    assert deferred.value.trigger.serialize() == (TRIGGER, TRIGGER_ARGUMENTS | {"job_id": number})
    assert deferred.value.method_name == METHOD
    assert deferred.value.kwargs == {**ARGUMENTS, "name": job["name"]}
