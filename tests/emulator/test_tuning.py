"""Hyperparameter tuning jobs through the real REST client: trials, measurements, ends."""

import json
import time

import pytest
from googleapiclient.errors import HttpError

PARENT = "projects/demo/locations/us-central1"
STUDY = {
    "metrics": [{"metricId": "loss", "goal": "MINIMIZE"}],
    "parameters": [
        {
            "parameterId": "rate",
            "doubleValueSpec": {"minValue": 0.001, "maxValue": 0.1},
            "scaleType": "UNIT_LOG_SCALE",
        },
        {"parameterId": "width", "integerValueSpec": {"minValue": "8", "maxValue": "64"}},
        {"parameterId": "kind", "categoricalValueSpec": {"values": ["a", "b"]}},
        {"parameterId": "decay", "discreteValueSpec": {"values": [0.0, 0.5]}},
    ],
}
REPORT = """
import json, os, sys
with open(os.environ["CLOUD_ML_HP_METRIC_FILE"], "a") as stream:
    for step in (1, 2):
        line = {"trial": os.environ["CLOUD_ML_TRIAL_ID"], "loss": str(0.5 / step), "global_step": str(step)}
        stream.write(json.dumps(line) + "\\n")
"""


@pytest.fixture
def tune(vertex):
    """Create a tuning job that runs a text of Python in each trial."""

    def tune(code, **fields):
        container = {"imageUri": "trainer", "command": ["python", "-c", code]}
        pool = {
            "machineSpec": {"machineType": "n1-standard-4"},
            "replicaCount": "1",
            "containerSpec": container,
        }
        spec = {
            "workerPoolSpecs": [pool],
            "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/runs/tune"},
        }
        body = {
            "displayName": "tune",
            "studySpec": STUDY,
            "maxTrialCount": 3,
            "parallelTrialCount": 2,
            "trialJobSpec": spec,
            **fields,
        }
        return vertex.hyperparameterTuningJobs().create(parent=PARENT, body=body).execute()

    return tune


@pytest.fixture
def ended(vertex):
    def ended(job):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            now = vertex.hyperparameterTuningJobs().get(name=job["name"]).execute()
            if now["state"] in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"):
                return now
            time.sleep(0.05)
        pytest.fail(f"{job['name']} stayed {now['state']}")

    return ended


def test_trials_get_arguments_in_range_and_their_own_place(tune, ended, emulator):
    code = (
        f"{REPORT}\nprint(json.dumps([sys.argv[1:], os.environ['AIP_MODEL_DIR'],"
        "os.environ['CLOUD_ML_TRIAL_ID']]))"
    )
    done = ended(tune(code, labels={"team": "ml"}))
    assert done["state"] == "JOB_STATE_SUCCEEDED"
    assert [trial["id"] for trial in done["trials"]] == ["1", "2", "3"]
    for trial in done["trials"]:
        values = {each["parameterId"]: each["value"] for each in trial["parameters"]}
        assert 0.001 <= values["rate"] <= 0.1
        assert 8 <= values["width"] <= 64
        assert (values["kind"] in ("a", "b"), values["decay"] in (0.0, 0.5)) == (True, True)
        job = emulator.state / "jobs" / trial["customJob"].rsplit("/", 1)[-1]
        arguments, place, number = json.loads((job / "attempt-1.log").read_text())
        assert arguments[0] == f"--rate={values['rate']}"
        assert arguments[1] == f"--width={int(values['width'])}"
        assert (place, number) == (f"gs://demo-ml/runs/tune/{trial['id']}/model/", trial["id"])
        assert json.loads((job / "job.json").read_text())["labels"] == {"team": "ml"}


def test_the_last_measurement_of_a_trial_counts(tune, ended):
    done = ended(tune(REPORT, maxTrialCount=1, parallelTrialCount=1))
    (trial,) = done["trials"]
    assert trial["finalMeasurement"] == {
        "stepCount": "2",
        "metrics": [{"metricId": "loss", "value": 0.25}],
    }


def test_without_any_measurement_the_job_fails_and_says_so(tune, ended):
    done = ended(tune("pass", maxTrialCount=2))
    assert done["state"] == "JOB_STATE_FAILED"
    assert "none reported the metric" in done["error"]["message"]
    assert {trial["state"] for trial in done["trials"]} == {"INFEASIBLE"}


def test_a_cancelled_job_starts_no_more_trials(tune, ended, vertex):
    job = tune("import time; time.sleep(60)", maxTrialCount=5, parallelTrialCount=1)
    vertex.hyperparameterTuningJobs().cancel(name=job["name"], body={}).execute()
    done = ended(job)
    assert done["state"] == "JOB_STATE_CANCELLED"
    assert len(done["trials"]) == 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"maxTrialCount": 0}, "max_trial_count"),
        ({"studySpec": {"metrics": STUDY["metrics"]}}, "parameter"),
        ({"studySpec": {"parameters": STUDY["parameters"]}}, "metric"),
        ({"trialJobSpec": {}}, "worker pool"),
    ],
)
def test_what_the_service_refuses(tune, fields, word):
    with pytest.raises(HttpError, match=word):
        tune("pass", **fields)


def test_whole_numbers_of_a_discrete_parameter_can_arrive_as_floats(tune, ended, emulator):
    emulator.faults("float_values:1")
    sizes = {"parameterId": "size", "discreteValueSpec": {"values": [64, 128]}}
    width = {"parameterId": "width", "integerValueSpec": {"minValue": "8", "maxValue": "64"}}
    study = {"metrics": STUDY["metrics"], "parameters": [sizes, width]}
    code = f"{REPORT}\nassert sys.argv[1] in ('--size=64.0', '--size=128.0')\nint(sys.argv[2][8:])"
    done = ended(tune(code, studySpec=study, maxTrialCount=1))
    assert done["state"] == "JOB_STATE_SUCCEEDED"


def test_as_many_failed_trials_as_allowed_end_the_job(tune, ended):
    done = ended(tune("raise SystemExit(1)", maxFailedTrialCount=1, parallelTrialCount=1))
    assert done["state"] == "JOB_STATE_FAILED"
    assert (done["error"]["message"], len(done["trials"])) == ("1 trials failed.", 1)


DECAY = {"parameterId": "decay", "discreteValueSpec": {"values": [0.0, 0.5]}}
KIND = {"parameterId": "kind", "categoricalValueSpec": {"values": ["sgd", "adam"]}}
RATE = {"parameterId": "rate", "doubleValueSpec": {"minValue": 0.1, "maxValue": 1.0}}


def below(parent, condition, *children):
    """Return a parameter with others that are there on a condition."""
    return parent | {
        "conditionalParameterSpecs": [condition | {"parameterSpec": each} for each in children]
    }


SGD = {"parentCategoricalValues": {"values": ["sgd"]}}


@pytest.mark.parametrize(
    ("study", "word"),
    [
        ({"parameters": [RATE, RATE]}, "not unique"),
        ({"parameters": [RATE | {"parameterId": "a b"}]}, "whitespace"),
        ({"parameters": [RATE], "algorithm": "GRID_SEARCH"}, "no DOUBLE"),
        ({"parameters": [RATE], "observationNoise": "LOW"}, "observation_noise"),
        ({"parameters": [DECAY | {"discreteValueSpec": {"values": [2, 1]}}]}, "increasing"),
        ({"parameters": [DECAY | {"discreteValueSpec": {"values": list(range(1001))}}]}, "1,000"),
        ({"parameters": [DECAY | {"scaleType": "UNIT_LOG_SCALE"}]}, "strictly positive"),
        ({"parameters": [KIND | {"scaleType": "UNIT_LINEAR_SCALE"}]}, "left unset"),
        ({"parameters": [KIND | {"categoricalValueSpec": {"values": ["a", "a"]}}]}, "twice"),
        ({"parameters": [{"parameterId": "x"}]}, "no values"),
        ({"parameters": [below(RATE, SGD, DECAY)]}, "no condition of this type"),
        (
            {"parameters": [below(KIND, {"parentCategoricalValues": {"values": ["lion"]}}, DECAY)]},
            "never has the value lion",
        ),
        ({"parameters": [below(KIND, SGD, DECAY, DECAY)]}, "not unique"),
    ],
)
def test_a_study_that_the_service_refuses(tune, study, word):
    with pytest.raises(HttpError, match=word):
        tune("pass", studySpec={"metrics": STUDY["metrics"]} | study)


def test_a_grid_is_searched_whole_with_what_depends_on_a_value(tune, ended):
    study = {"metrics": STUDY["metrics"], "parameters": [below(KIND, SGD, DECAY)]}
    done = ended(tune(REPORT, studySpec=study | {"algorithm": "GRID_SEARCH"}, parallelTrialCount=3))
    found = [{p["parameterId"]: p["value"] for p in each["parameters"]} for each in done["trials"]]
    assert found == [{"kind": "sgd", "decay": 0.0}, {"kind": "sgd", "decay": 0.5}, {"kind": "adam"}]
