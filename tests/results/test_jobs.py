"""Jobs from Vertex AI's resources, and what is known beside a run's folder."""

import copy
import json
from pathlib import Path

import pytest

from dagfactory.catalogue.prices import TRAINING, price, service_price
from dagfactory.results.gather import gather, newest
from dagfactory.results.jobs import jobs
from dagfactory.results.paths import record_path

RUN = "gs://bucket/runs/pipeline/monday"
PLACE = "projects/p/locations/us-central1"
RESOURCE = {
    "name": f"{PLACE}/trainingPipelines/7",
    "displayName": "pipeline/search.trial[3] monday",
    "trainingTaskInputs": {
        "baseOutputDirectory": {"outputUriPrefix": f"{RUN}/search/abc"},
        "scheduling": {"strategy": "SPOT"},
        "workerPoolSpecs": [
            {
                "machineSpec": {
                    "machineType": "g2-standard-4",
                    "acceleratorType": "NVIDIA_L4",
                    "acceleratorCount": 1.0,
                },
                "containerSpec": {"args": ["--lr=0.01", "--name=x", "--fast", "a b=c"]},
                "replicaCount": 2.0,
            }
        ],
    },
    "trainingTaskMetadata": {"backingCustomJob": f"{PLACE}/customJobs/8"},
    "state": "PIPELINE_STATE_SUCCEEDED",
    "startTime": "2026-11-01T10:00:00Z",
    "endTime": "2026-11-01T11:30:00Z",
    "labels": {"dagfactory-choice": "2"},
}


def test_a_job_is_told_with_its_place_its_hours_and_its_price():
    (found,) = jobs(RESOURCE, restarts=1)
    assert (found.task, found.state, found.choice) == ("search.trial[3]", "succeeded", 2)
    assert (found.region, found.provisioning, found.hours) == ("us-central1", "spot", 3.0)
    assert found.arguments == {"lr": 0.01, "name": "x"}
    machine = price("g2-standard-4", "us-central1", "spot", TRAINING)
    disk = service_price("disk_pd_ssd", "us-central1")
    assert machine
    assert disk
    assert found.usd == pytest.approx(3.0 * (machine.amount + 100 * disk.amount))


def test_a_job_that_never_got_a_machine_has_no_hours_and_its_reason():
    stocked_out = {k: v for k, v in RESOURCE.items() if k not in ("startTime", "endTime")}
    (found,) = jobs(stocked_out | {"error": {"message": "STOCKOUT: none"}})
    assert (found.hours, found.usd, found.reason) == (None, None, "STOCKOUT: none")


def test_a_machine_without_a_price_has_none_instead_of_zero():
    changed = copy.deepcopy(RESOURCE)
    spec = changed["trainingTaskInputs"]["workerPoolSpecs"][0]
    spec["machineSpec"] = {"machineType": "x9-mega-1"}
    (found,) = jobs(changed)
    assert (found.hours, found.usd) == (3.0, None)


def test_the_trials_of_a_search_by_vertex_ai_are_jobs_of_their_own():
    times = {"startTime": RESOURCE["startTime"], "endTime": RESOURCE["endTime"]}
    trials = [
        {
            "id": "1",
            "state": "SUCCEEDED",
            "parameters": [{"parameterId": "lr", "value": 3}],
            **times,
        },
        {"id": "2", "state": "ACTIVE"},
    ]
    tuning = RESOURCE | {"trialJobSpec": RESOURCE["trainingTaskInputs"], "trials": trials}
    first, second = jobs(tuning)
    assert (first.folder, first.state, first.hours) == (f"{RUN}/search/abc/1", "succeeded", 3.0)
    assert first.arguments["lr"] == 3
    assert (second.folder, second.state, second.usd) == (f"{RUN}/search/abc/2", "active", None)


@pytest.mark.parametrize("key", [*RESOURCE, "trainingTaskInputs/workerPoolSpecs"])
@pytest.mark.parametrize("value", [None, 3, [], {}, "x"])
def test_resources_of_another_shape_are_no_exception(key, value):
    changed = copy.deepcopy(RESOURCE)
    *path, last = key.split("/")
    inner = changed[path[0]] if path else changed
    inner[last] = value
    jobs(changed)
    jobs(value)


@pytest.fixture
def state(tmp_path) -> Path:
    """A state folder of `run`, with a run, its record and its job."""
    state = tmp_path / ".dagfactory"
    folder = state / "emulator/gcs/bucket/runs/pipeline/monday"
    files = {
        folder / "search/abc/model/metrics.json": {"accuracy": 0.9},
        folder / "search/def/model/metrics.json": {"accuracy": 0.95},
        state / f"emulator/vertex/{PLACE}/trainingPipelines/7.json": RESOURCE,
        state / f"emulator/vertex/{PLACE}/trainingPipelines/9.json": {"broken": True},
        state / "emulator/jobs/8/attempt-1.log": "",
        state / "emulator/jobs/8/attempt-2.log": "",
        record_path(state, "pipeline", "monday"): {
            "state": "failed",
            "folder": str(folder),
            "tasks": [
                {"task": "search.trial", "map_index": 3, "state": "failed", "reason": "it broke"},
                "no task",
                {"task": 7, "state": None, "tries": "x"},
            ],
            "gates": [
                {"task": "good", "passed": True, "reason": "0.9 > 0.8", "metrics": {"a": 0.9}},
                {"task": "odd", "metrics": 7},
            ],
        },
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return state


@pytest.mark.parametrize("by", ["folder", "address", "newest"])
def test_a_run_is_shown_with_its_record_and_its_jobs(state, by):
    folder = str(state / "emulator/gcs/bucket/runs/pipeline/monday")
    names = {"folder": folder, "address": RUN, "newest": newest(state)}
    run = gather(names[by], state)
    assert (run.state, run.began, run.ended) == (
        "failed",
        RESOURCE["startTime"],
        RESOURCE["endTime"],
    )
    assert [(each.name, each.reason) for each in run.tasks][:1] == [("search.trial[3]", "it broke")]
    assert [(each.name, each.passed) for each in run.gates] == [("good", True), ("odd", False)]
    assert [(each.task, each.restarts) for each in run.jobs] == [("search.trial[3]", 1)]
    trial = next(each for each in run.experiments[0].trials if each.name == "abc")
    assert trial.parameters == {"lr": 0.01, "name": "x"}
    assert (trial.state, trial.hours, trial.usd) == ("succeeded", 3.0, run.jobs[0].usd)


def test_a_killed_run_says_so_and_how_to_go_on(state):
    again = "dagfactory run p.yaml --rerun-failed"
    gone = {"dag_id": "pipeline", "run_id": "monday", "state": "running", "process": 2**31 - 1}
    record_path(state, "pipeline", "monday").write_text(json.dumps(gone | {"go_on": again}))
    run = gather(newest(state), state)
    assert (run.state, run.tasks) == ("interrupted", ())
    assert f"the run was interrupted: its tasks are not known; go on with `{again}`" in run.notes
    assert [each.name for each in run.experiments[0].trials] == ["def", "abc"]


def test_a_failed_trial_says_what_its_program_said_last(state):
    failed = RESOURCE | {"state": "PIPELINE_STATE_FAILED"}
    more = "The replica exited with 1. To find out more about why your job exited see: https://x"
    path = state / f"emulator/vertex/{PLACE}/trainingPipelines/7.json"
    path.write_text(json.dumps(failed | {"error": {"message": more}}))
    (state / "emulator/gcs/bucket/runs/pipeline/monday/search/abc/model/metrics.json").unlink()
    trial = next(each for each in gather(RUN, state).experiments[0].trials if each.name == "abc")
    assert trial.problem == "The replica exited with 1. it broke"


def test_the_dollars_of_a_pack_are_shared_by_its_trials(state):
    packed = copy.deepcopy(RESOURCE)
    inputs = packed["trainingTaskInputs"]
    inputs["baseOutputDirectory"]["outputUriPrefix"] = f"{RUN}/search"
    trials = json.dumps({"abc": {"lr": 1}, "def": {"lr": 2}})
    inputs["workerPoolSpecs"][0]["containerSpec"]["args"] = [f"--trials={trials}"]
    path = state / f"emulator/vertex/{PLACE}/trainingPipelines/7.json"
    path.write_text(json.dumps(packed))
    run = gather(RUN, state)
    (search,) = run.experiments
    assert [(each.name, dict(each.parameters)) for each in search.trials] == [
        ("def", {"lr": 2}),
        ("abc", {"lr": 1}),
    ]
    assert [each.usd for each in search.trials] == [pytest.approx(run.usd / 2)] * 2
