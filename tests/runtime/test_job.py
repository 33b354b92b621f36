"""A job is launched once, found again, moved when there is no machine, and ended with its task."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from dagfactory.runtime.job import VertexJobOperator

pytestmark = pytest.mark.airflow

FAULTS = ["stockout:1:us-east1", "stockout:1:us-east4", "quota:1:us-west1", "quota:9:asia-east1"]


@pytest.fixture(scope="module")
def jobs(airflow, emulator):
    emulator.faults(*FAULTS, "error:503:1:CreateTrainingPipeline")
    run = airflow.run("jobs")
    emulator.faults()
    return run


KEYS = "projects/demo/locations/us-central1/keyRings/r/cryptoKeys"
REGIONS = ("us-central1", "us-east1", "us-east4", "us-west1", "europe-west4", "asia-east1")


@pytest.fixture(scope="module")
def pipelines(jobs, service):
    """Return every training pipeline of the run, oldest first, as the service reports it."""
    assert jobs.tasks
    every = [item for region in REGIONS for item in service("trainingPipelines", region)]
    found = [item for item in every if item["labels"]["dagfactory-dag"] == "jobs"]
    return sorted(found, key=lambda item: int(item["name"].rpartition("/")[2]))


def of(pipelines, task):
    return [p for p in pipelines if p["labels"]["dagfactory-task"] == task]


def states(pipelines, task):
    return [p["state"].removeprefix("PIPELINE_STATE_") for p in of(pipelines, task)]


def test_each_task_ends_as_its_job_did(jobs):
    assert jobs.states() == {
        "train": "success",
        "asks_much": "success",
        "dies": "success",
        "asks_otherwise": "success",
        "killed": "failed",
        "times_out": "failed",
        "unresumed": "failed",
        "dropped": "failed",
        "paused": "failed",
        "fails": "failed",
        "refused": "failed",
        "stockout": "success",
        "quota": "success",
        "forgets": "success",
        "nowhere": "failed",
    }


def test_the_whole_job_is_templated_and_its_outputs_are_in_xcom(jobs, pipelines, bucket):
    base = f"runs/jobs/{jobs.run_id}/train"
    (made,) = of(pipelines, "train")
    assert jobs.xcom("train") == {
        "job": made["name"],
        "state": "PIPELINE_STATE_SUCCEEDED",
        "region": "us-central1",
        "strategy": "SPOT",
        "outputs": {
            "uri": f"gs://demo-ml/{base}/model",
            "model_dir": f"gs://demo-ml/{base}/model",
            "checkpoint": f"gs://demo-ml/{base}/checkpoints",
            "metrics": f"gs://demo-ml/{base}/model/metrics.json",
            "logs": f"gs://demo-ml/{base}/logs",
        },
        "metrics": {"accuracy": 0.5},
    }
    options = json.loads((bucket / base / "model" / "options.json").read_text())
    assert options == {"run": jobs.run_id}
    assert made["labels"]["dagfactory-dag"] == "jobs"
    assert re.fullmatch(r"ml_team-[0-9a-f]{8}", made["labels"]["team"])


def test_fields_that_few_jobs_have_reach_the_job(jobs, pipelines, service):
    (made,) = of(pipelines, "asks_much")
    assert made["encryptionSpec"] == {"kmsKeyName": f"{KEYS}/asks_much"}
    backing = made["trainingTaskMetadata"]["backingCustomJob"]
    (stored,) = [each for each in service("customJobs", "us-central1") if each["name"] == backing]
    (pool,) = stored["jobSpec"]["workerPoolSpecs"]
    assert stored["jobSpec"]["enableWebAccess"] is True
    assert stored["jobSpec"]["persistentResourceId"] == "training-cluster"
    assert stored["jobSpec"]["pscInterfaceConfig"]["networkAttachment"].endswith("/a")
    assert pool["nfsMounts"] == [{"server": "10.0.0.5", "path": "/data", "mountPoint": "data"}]
    assert pool["machineSpec"]["tpuTopology"] == "2x2"
    assert pool["machineSpec"]["reservationAffinity"] == {
        "reservationAffinityType": "ANY_RESERVATION"
    }


def test_a_retry_attaches_to_the_running_job(jobs, pipelines):
    assert jobs.tasks["dies"]["tries"] == 2
    assert states(pipelines, "dies") == ["SUCCEEDED"]
    assert f"Attaching to the running job {of(pipelines, 'dies')[0]['name']}" in jobs.log


def test_a_retry_takes_the_job_that_succeeded_and_was_forgotten(jobs, pipelines):
    assert jobs.tasks["forgets"]["tries"] == 2
    assert states(pipelines, "forgets") == ["SUCCEEDED"]
    assert jobs.xcom("forgets")["job"] == of(pipelines, "forgets")[0]["name"]


def test_a_retry_that_asks_for_another_job_ends_the_old_one(jobs, pipelines):
    assert jobs.tasks["asks_otherwise"]["tries"] == 2
    assert states(pipelines, "asks_otherwise") == ["CANCELLED", "SUCCEEDED"]


@pytest.mark.parametrize("task", ["killed", "times_out", "unresumed", "dropped"])
def test_the_job_of_a_task_that_ends_is_cancelled(pipelines, task):
    assert states(pipelines, task) == ["CANCELLED"]


def test_a_paused_job_is_not_a_success(jobs, pipelines):
    assert f"{of(pipelines, 'paused')[0]['name']} ended in PIPELINE_STATE_PAUSED" in jobs.log


def test_a_poll_that_fails_neither_fails_the_task_nor_starts_another_job(
    airflow, emulator, service
):
    emulator.faults("error:503:1:GetTrainingPipeline")
    run = airflow.run("polls")
    emulator.faults()
    assert (run.state, run.tasks["train"]["tries"]) == ("success", 1)
    name = run.xcom("train")["job"]
    assert f"{name} is still running, but waiting for it failed" in run.log
    every = service("trainingPipelines", "us-central1")
    assert [p["name"] for p in every if p["labels"]["dagfactory-dag"] == "polls"] == [name]


def test_another_strategy_than_asked_for_fails_without_retry(jobs):
    assert jobs.tasks["dropped"]["tries"] == 1
    assert "asked for scheduling.strategy SPOT, Vertex AI created the job with STANDARD" in jobs.log


def test_a_failed_job_is_retried_and_shows_state_words_tail_and_link(jobs, pipelines):
    assert jobs.tasks["fails"]["tries"] == 2
    assert states(pipelines, "fails") == ["FAILED", "FAILED"]
    name = of(pipelines, "fails")[0]["name"]
    assert f"{name} ended in PIPELINE_STATE_FAILED" in jobs.log
    assert "exited with a non-zero status of 3" in jobs.log
    assert "the last words of the trainer" in jobs.log
    link = f"locations/us-central1/training/{name.rpartition('/')[2]}?project=demo"
    assert f"https://console.cloud.google.com/vertex-ai/{link}" in jobs.log


def test_a_wrong_request_is_not_retried(jobs, pipelines):
    assert jobs.tasks["refused"]["tries"] == 1
    assert of(pipelines, "refused") == []
    assert "Vertex AI refused the job of task refused: 400 INVALID_ARGUMENT" in jobs.log


def test_a_stock_out_after_launch_moves_on_through_every_fallback(jobs, pipelines):
    assert states(pipelines, "stockout") == ["FAILED", "FAILED", "SUCCEEDED"]
    first, second, third = of(pipelines, "stockout")
    assert [p["name"].split("/")[3] for p in (first, second, third)] == [
        "us-east1",
        "us-east4",
        "us-east1",
    ]
    machine = third["trainingTaskInputs"]["workerPoolSpecs"][0]["machineSpec"]
    assert (machine["machineType"], jobs.xcom("stockout")["strategy"]) == (
        "g2-standard-8",
        "STANDARD",
    )
    assert jobs.tasks["stockout"]["tries"] == 1


def test_missing_quota_at_launch_moves_on_at_once(jobs, pipelines):
    (made,) = of(pipelines, "quota")
    assert jobs.xcom("quota")["region"] == "europe-west4" == made["name"].split("/")[3]


def test_no_capacity_anywhere_says_so(jobs, pipelines):
    assert of(pipelines, "nowhere") == []
    assert "No capacity for task nowhere, 2 place(s) tried" in jobs.log


def test_a_create_that_answers_503_is_tried_again_without_a_second_job(jobs, pipelines):
    assert "503 UNAVAILABLE" in jobs.log
    assert states(pipelines, "train") == ["SUCCEEDED"]


def test_no_job_is_left_running(pipelines):
    ended = {"PIPELINE_STATE_SUCCEEDED", "PIPELINE_STATE_FAILED", "PIPELINE_STATE_CANCELLED"}
    assert {p["state"] for p in pipelines} <= ended


@pytest.mark.parametrize(("tries", "most"), [(1, 2), (3, 5)], ids=["first try", "after a clear"])
def test_only_an_automatic_retry_takes_a_finished_job(tries, most):
    # no service is asked: a look at Vertex AI would fail here, where no connection is set up
    job = VertexJobOperator(
        task_id="x", project="p", region="r", job={"workerPoolSpecs": []}, retries=2
    )
    attempt = SimpleNamespace(try_number=tries, max_tries=most)
    assert job._succeeded_earlier({"ti": attempt}) is None
