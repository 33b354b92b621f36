"""What goes to Vertex AI for a job, and what its answers mean."""

from __future__ import annotations

import copy

import pytest

from dagfactory.runtime import jobspec
from dagfactory.runtime.grid import Trial

A100 = {"machineType": "a2-highgpu-1g", "acceleratorType": "NVIDIA_TESLA_A100"}
L4 = {"machineType": "g2-standard-8", "acceleratorType": "NVIDIA_L4"}
CPU = {"machineType": "n1-highcpu-16"}
JOB = {
    "workerPoolSpecs": [
        {"machineSpec": A100, "containerSpec": {"imageUri": "i", "args": ["--epochs=2"]}},
        {"machineSpec": A100, "containerSpec": {"imageUri": "i"}},
        {"machineSpec": CPU, "containerSpec": {"imageUri": "r"}},
    ],
    "scheduling": {"strategy": "SPOT", "timeout": "3600s"},
    "baseOutputDirectory": {"outputUriPrefix": "gs://b/runs/d/r/search"},
}


def test_a_fallback_changes_what_it_names_and_nothing_else():
    before = copy.deepcopy(JOB)
    changed = jobspec.overridden(JOB, {"region": "x", "strategy": "STANDARD", "machineSpec": L4})
    assert before == JOB
    assert changed["scheduling"] == {"strategy": "STANDARD", "timeout": "3600s"}
    assert [pool["machineSpec"] for pool in changed["workerPoolSpecs"]] == [L4, L4, CPU]
    assert jobspec.overridden(JOB, {}) == JOB


def test_scheduling_fields_can_be_overridden_together():
    override = {"strategy": "FLEX_START", "scheduling": {"maxWaitDuration": "7200s"}}
    assert jobspec.overridden(JOB, override)["scheduling"] == {
        "strategy": "FLEX_START",
        "timeout": "3600s",
        "maxWaitDuration": "7200s",
    }


@pytest.mark.parametrize("fallback", [[{"zone": "a"}], [{}]])
def test_a_fallback_that_means_nothing_is_refused(fallback):
    with pytest.raises(ValueError, match="a fallback can change"):
        jobspec.check_overrides(fallback)


STRATEGIES = [
    ({"strategy": "SPOT"}, {"strategy": "SPOT"}, None),
    ({}, {}, None),
    ({"strategy": "STANDARD"}, {"strategy": "STRATEGY_UNSPECIFIED"}, None),
    ({"strategy": "SPOT"}, {}, "asked for scheduling.strategy SPOT"),
    ({}, {"strategy": "SPOT"}, "created the job with SPOT"),
    ({"strategy": "FLEX_START"}, {"strategy": "SPOT"}, "FLEX_START"),
]


@pytest.mark.parametrize(("asked", "answered", "problem"), STRATEGIES)
def test_another_strategy_than_asked_for_is_noticed(asked, answered, problem):
    said = jobspec.strategy_problem({"scheduling": asked}, {"scheduling": answered})
    assert said is None if problem is None else problem in said


TRIAL = Trial("abc", {"lr": 0.1, "flag": True, "note": None}, "abc")


def test_a_trial_has_its_arguments_and_its_directory():
    job = jobspec.for_trial(JOB, TRIAL)
    assert job["workerPoolSpecs"][0]["containerSpec"]["args"] == [
        "--epochs=2",
        "--lr=0.1",
        "--flag=true",
    ]
    assert job["workerPoolSpecs"][1] == JOB["workerPoolSpecs"][1]
    assert job["baseOutputDirectory"]["outputUriPrefix"] == "gs://b/runs/d/r/search/abc"


def test_all_machines_of_a_trial_train_with_its_parameters():
    pool = {"replicaCount": 1, "containerSpec": {"imageUri": "x", "args": ["--epochs=2"]}}
    made = jobspec.for_trial({"workerPoolSpecs": [pool, {**pool, "replicaCount": 3}]}, TRIAL)
    arguments = [each["containerSpec"]["args"] for each in made["workerPoolSpecs"]]
    assert arguments == [["--epochs=2", "--lr=0.1", "--flag=true"]] * 2


def test_outputs_lie_below_the_base_directory():
    made = jobspec.outputs({"baseOutputDirectory": {"outputUriPrefix": "gs://b/runs/x/"}})
    assert made["metrics"] == "gs://b/runs/x/model/metrics.json"
    assert made["checkpoint"] == "gs://b/runs/x/checkpoints"
    assert jobspec.outputs({}) == {}


def test_the_fingerprint_follows_the_job_and_not_the_order_of_its_keys():
    turned = dict(reversed(JOB.items()))
    assert jobspec.fingerprint(turned) == jobspec.fingerprint(JOB)
    assert jobspec.fingerprint(jobspec.overridden(JOB, {"strategy": "STANDARD"})) != (
        jobspec.fingerprint(JOB)
    )


def test_a_trial_of_a_python_package_has_its_arguments_in_every_pool():
    program = {"executorImageUri": "x", "packageUris": ["gs://b/t.tar.gz"], "pythonModule": "t"}
    pool = {"replicaCount": 1, "pythonPackageSpec": program}
    made = jobspec.for_trial({"workerPoolSpecs": [pool, {**pool, "replicaCount": 3}]}, TRIAL)
    arguments = [each["pythonPackageSpec"]["args"] for each in made["workerPoolSpecs"]]
    assert arguments == [["--lr=0.1", "--flag=true"]] * 2
    assert "args" not in program


def test_a_key_encrypts_what_runs_the_job():
    asked, study = {"encryptionSpec": {"kmsKeyName": "k"}}, {"maxTrialCount": 3}
    plain = jobspec.pipeline("n", JOB, {}), jobspec.tuning("n", JOB, {}, study)
    assert all("encryptionSpec" not in each for each in plain)
    assert jobspec.pipeline("n", JOB, {}, "k") == plain[0] | asked
    assert jobspec.tuning("n", JOB, {}, study, "k") == plain[1] | asked
