"""Injected faults, seen by the real clients; and what a spec looks like."""

import json
import os
import sys
import time

import processes
import pytest
from googleapiclient.errors import HttpError

from dagfactory.emulator.faults import InjectedFault, parse

SPOT = {"strategy": "SPOT"}
PARENT = "projects/demo/locations/us-central1"


def record(emulator, pipeline):
    job = pipeline["trainingTaskMetadata"]["backingCustomJob"].rsplit("/", 1)[-1]
    return json.loads((emulator.state / "jobs" / job / "job.json").read_text())


def attempts(emulator, pipeline):
    return [(a["reason"], a["status"]) for a in record(emulator, pipeline)["attempts"]]


def again(emulator):
    """Shell text that ends a second attempt at once: its log exists from its start on."""
    return f"echo $AIP_CHECKPOINT_DIR; [ -e {emulator.state}/jobs/$CLOUD_ML_JOB_ID/attempt-2.log ] && exit 0;"


def test_a_preempted_spot_job_restarts_with_the_same_directories(create, reach, emulator):
    emulator.faults("preempt:1")
    done = reach(create(f"{again(emulator)} sleep 600", SPOT, "sh"))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert attempts(emulator, done) == [("preempted", 143), ("", 0)]
    job = done["trainingTaskMetadata"]["backingCustomJob"].rsplit("/", 1)[-1]
    logs = [(emulator.state / f"jobs/{job}/attempt-{n}.log").read_text() for n in (1, 2)]
    assert logs == ["gs://demo-ml/runs/x/checkpoints/\n"] * 2


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(create, reach, emulator):
    emulator.faults("preempt:1:0.1")
    done = reach(create(f"{again(emulator)} trap '' TERM; sleep 600", SPOT, "sh"))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert attempts(emulator, done) == [("preempted", 137), ("", 0)]


def test_without_retries_a_preemption_fails_the_job(create, reach, emulator):
    emulator.faults("preempt:0.2:5")
    done = reach(create("sleep 600", {**SPOT, "disableRetries": True}, "sh"))
    assert done["error"]["message"].startswith("STOCKOUT")
    assert attempts(emulator, done) == [("preempted", 143)]


def test_exit_0_on_sigterm_reads_as_success(create, reach, emulator):
    """The silent mistake a trainer must not make; the emulator shows it as Vertex does."""
    emulator.faults("preempt:1:20")
    done = reach(create("trap 'exit 0' TERM; sleep 600 & wait", SPOT, "sh"))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert attempts(emulator, done) == [("preempted", 0)]


def test_standard_jobs_are_not_preempted(create, reach, emulator):
    emulator.faults("preempt:0:0")
    assert attempts(emulator, reach(create("pass"))) == [("", 0)]


def test_stockout_strikes_the_first_jobs(create, reach, emulator):
    emulator.faults("stockout:1")
    first = reach(create("pass"))
    assert (first["state"], first["error"]["code"]) == ("PIPELINE_STATE_FAILED", 8)
    assert "Resources are insufficient in region: us-central1" in first["error"]["message"]
    assert reach(create("pass"))["state"] == "PIPELINE_STATE_SUCCEEDED"


@pytest.mark.parametrize(
    ("where", "state"),
    [
        ("us-central1", "FAILED"),
        ("n1-*", "FAILED"),
        ("STANDARD", "FAILED"),
        ("SPOT", "SUCCEEDED"),
        ("europe-*", "SUCCEEDED"),
    ],
)
def test_stockout_of_one_place(create, reach, emulator, where, state):
    emulator.faults(f"stockout:9:{where}")
    assert reach(create("pass"))["state"] == f"PIPELINE_STATE_{state}"


def test_quota_refuses_the_creation(create, emulator):
    emulator.faults("quota:1")
    with pytest.raises(HttpError, match="exceed quota limits") as refusal:
        create("pass")
    assert refusal.value.status_code == 429
    create("pass")


def test_a_machine_that_is_not_there_refuses_the_creation(create, emulator):
    emulator.faults("unsupported:1:n1-*")
    with pytest.raises(HttpError, match='Machine type "n1-standard-4" is not supported') as refusal:
        create("pass")
    assert refusal.value.status_code == 400


def test_a_failure_may_be_seen_before_its_error(create, reach, emulator):
    emulator.faults("late:600:error")
    done = reach(create("raise SystemExit(1)"))
    assert (done["state"], "error" in done) == ("PIPELINE_STATE_FAILED", False)
    emulator.faults()
    assert reach(done)["error"]["code"] == 3


def test_the_job_behind_a_pipeline_is_named_late(create, reach, vertex, emulator):
    emulator.faults("late:600:backing")
    made = create("sleep 600", interpreter="sh")
    running = reach(made, "RUNNING")
    assert [each.get("trainingTaskMetadata") for each in (made, running)] == [None, None]
    emulator.faults()
    assert "backingCustomJob" in reach(made, "RUNNING")["trainingTaskMetadata"]
    vertex.trainingPipelines().cancel(name=made["name"], body={}).execute()


def test_errors_of_one_method(create, vertex, emulator):
    made = create("pass")
    emulator.faults("error:503:2:GetTrainingPipeline")
    for _ in range(2):
        with pytest.raises(HttpError) as refusal:
            vertex.trainingPipelines().get(name=made["name"]).execute()
        assert refusal.value.status_code == 503
    vertex.trainingPipelines().get(name=made["name"]).execute()


def test_the_storage_client_retries_a_503(bucket, emulator):
    bucket.blob("x").upload_from_string(b"1")
    emulator.faults("error:503:1:storage.objects.get")
    assert bucket.blob("x").download_as_bytes() == b"1"
    assert "storage.objects.get -> 503" in (emulator.state / "emulator.log").read_text()


def test_a_slow_queue_keeps_jobs_queued_and_cancellable(create, reach, vertex, emulator):
    emulator.faults("slow_queue:600")
    made = create("pass")
    vertex.trainingPipelines().cancel(name=made["name"], body={}).execute()
    assert reach(made)["state"] == "PIPELINE_STATE_CANCELLED"
    assert record(emulator, reach(made))["attempts"] == []


def test_flex_start_gives_up_after_its_longest_wait(create, reach, emulator):
    emulator.faults("slow_queue:600")
    flex = {"strategy": "FLEX_START", "maxWaitDuration": "0.2s"}
    done = reach(create("pass", flex))
    assert (done["error"]["code"], done["state"]) == (8, "PIPELINE_STATE_FAILED")


def custom_jobs(vertex, state):
    found = vertex.customJobs().list(parent=PARENT, filter=f'state="{state}"').execute()
    return found.get("customJobs", [])


def test_slots_limit_what_runs_at_once(create, reach, vertex, tmp_path):
    """The shared emulator has four slots: a fifth job waits until one of four ends."""
    gates = [tmp_path / str(number) for number in range(5)]
    for gate in gates:
        os.mkfifo(gate)
    made = [create(f"cat {gate}", interpreter="sh") for gate in gates]
    for pipeline in made[:4]:
        reach(pipeline, "RUNNING")
    assert [job["state"] for job in custom_jobs(vertex, "JOB_STATE_QUEUED")] == ["JOB_STATE_QUEUED"]
    for gate, pipeline in zip(gates, made, strict=True):
        gate.write_text("go")  # waits until the job reads
        assert reach(pipeline)["state"] == "PIPELINE_STATE_SUCCEEDED"


def test_specs():
    assert parse("stockout:2:us-*") == InjectedFault("stockout", 2, where="us-*")
    assert parse("error:429:3:storage.*") == InjectedFault("error", 3, code=429, where="storage.*")
    assert parse("preempt:5") == InjectedFault("preempt", 5, grace=30.0)
    assert parse("slow_stockout:2:5:us-*") == InjectedFault(
        "slow_stockout", 2, where="us-*", seconds=5.0
    )
    assert parse("rate_limit:3:5") == InjectedFault("rate_limit", 3, seconds=5.0)
    assert parse("preempt:5:2") == InjectedFault("preempt", 5, grace=2.0)


@pytest.mark.parametrize(
    "spec",
    ["", "flood:1", "stockout", "stockout:x", "error:429", "preempt:", "late:5:x", "rate_limit:5"],
)
def test_a_malformed_spec_says_what_it_should_be(spec):
    with pytest.raises(ValueError, match=r"should read|unknown fault"):
        parse(spec)


def test_a_malformed_file_is_ignored_with_a_line_in_the_log(create, emulator):
    emulator.faults("nonsense")
    create("pass")
    assert "unknown fault 'nonsense'" in (emulator.state / "emulator.log").read_text()


def test_a_stock_out_with_its_tries_shows_late(create, reach, vertex, emulator):
    emulator.faults("slow_stockout:2:0.3")
    made = create("pass")
    started = time.monotonic()
    assert reach(made)["error"]["message"].startswith("STOCKOUT")
    assert time.monotonic() - started > 0.8  # three tries more, 0.3 s apart
    emulator.faults("slow_stockout:1:600")
    waits = create("pass", SPOT)
    reach(waits, "PENDING")
    vertex.trainingPipelines().cancel(name=waits["name"], body={}).execute()
    assert reach(waits)["state"] == "PIPELINE_STATE_CANCELLED"
    emulator.faults("slow_stockout:1:600")
    assert reach(create("pass", {"disableRetries": True}))["error"]["code"] == 8


def test_without_quota_a_job_stays_queued(create, reach, vertex, emulator):
    emulator.faults("no_quota:1:us-central1")
    waits, runs = create("pass"), create("pass")
    assert reach(runs)["state"] == "PIPELINE_STATE_SUCCEEDED"
    assert vertex.trainingPipelines().get(name=waits["name"]).execute()["state"].endswith("PENDING")
    assert len(custom_jobs(vertex, "JOB_STATE_QUEUED")) == 1
    emulator.faults()
    assert reach(waits)["state"] == "PIPELINE_STATE_SUCCEEDED"
    emulator.faults("no_quota:1")
    flex = {"strategy": "FLEX_START", "maxWaitDuration": "0.3s"}
    assert reach(create("pass", flex))["error"]["code"] == 8


def test_a_call_over_the_limit_is_told_when_to_come_again(create, vertex, bucket, emulator):
    made = create("pass")
    emulator.faults("rate_limit:1:7:GetTrainingPipeline", "rate_limit:1:1:storage.buckets.get")
    with pytest.raises(HttpError, match="Quota exceeded for quota metric") as refusal:
        vertex.trainingPipelines().get(name=made["name"]).execute()
    assert (refusal.value.status_code, refusal.value.resp["retry-after"]) == (429, "7")
    vertex.trainingPipelines().get(name=made["name"]).execute()
    bucket.reload()  # the client tries again


def test_a_grpc_call_over_the_limit_is_told_too(emulator):
    code = """
from google.api_core.exceptions import ResourceExhausted
from google.cloud import aiplatform_v1 as v1
client = v1.JobServiceClient(client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"})
try:
    client.get_custom_job(name="projects/demo/locations/us-central1/customJobs/1", retry=None)
except ResourceExhausted as error:
    print(error.details[0].retry_delay.seconds)
"""
    emulator.faults("rate_limit:1:7:GetCustomJob")
    command = [sys.executable, "-W", "ignore", "-c", code]
    assert processes.output(command, env=emulator.environ()) == "7\n"


def test_a_cancel_may_lose(create, reach, vertex, emulator, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    emulator.faults("lost_cancel:1")
    made = create(f"cat {gate}", interpreter="sh")
    reach(made, "RUNNING")
    vertex.trainingPipelines().cancel(name=made["name"], body={}).execute()
    assert reach(made, "CANCELLING")
    gate.write_text("go")
    assert reach(made)["state"] == "PIPELINE_STATE_SUCCEEDED"


def test_a_job_may_vanish(create, reach, vertex, emulator):
    done = reach(create("pass"))
    backing = done["trainingTaskMetadata"]["backingCustomJob"]
    emulator.faults("vanish:0")
    for call in (
        vertex.trainingPipelines().get(name=done["name"]),
        vertex.customJobs().get(name=backing),
        vertex.trainingPipelines().cancel(name=done["name"], body={}),
    ):
        with pytest.raises(HttpError, match="was not found") as refusal:
            call.execute()
        assert refusal.value.status_code == 404
    assert vertex.customJobs().list(parent=PARENT).execute() == {}
    emulator.faults("vanish:3600")
    assert reach(done) == done


def test_the_error_of_a_custom_job_may_be_late_too(create, reach, vertex, emulator):
    emulator.faults("late:600:error")
    done = reach(create("raise SystemExit(1)"))
    emulator.faults()
    name = reach(done)["trainingTaskMetadata"]["backingCustomJob"]
    assert vertex.customJobs().get(name=name).execute()["error"]["code"] == 3
    emulator.faults("late:600:error")
    assert "error" not in vertex.customJobs().get(name=name).execute()
