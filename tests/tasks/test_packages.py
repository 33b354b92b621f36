"""Jobs of Python packages: a prebuilt container instead of one of our own, and nothing else."""

from __future__ import annotations

import pytest

JOB = "image: us-docker.pkg.dev/vertex-ai/training/x:latest\nmachine: {type: n1-standard-4, replicas: 2}\n"
PACKAGE = "gs://bucket/packages/trainer-0.1.0.tar.gz"
SWEEP = "metric: {name: loss, goal: minimize}\nparameters: {lr: {values: [1, 2]}}\n"


def pools(made):
    return made.arguments["job"]["workerPoolSpecs"]


def test_a_package_is_a_python_package_spec_in_every_pool(lowered):
    made = lowered(
        f"type: train\n{JOB}package: {PACKAGE}\nmodule: own\nargs: {{epochs: 2}}\n"
        "env: {A: b}\nsecrets: {W: wandb}\n"
    )
    first, second = pools(made)
    assert "containerSpec" not in first
    program = dict(first["pythonPackageSpec"])
    variables = program.pop("env")
    assert program == {
        "executorImageUri": "us-docker.pkg.dev/vertex-ai/training/x:latest",
        "packageUris": [PACKAGE],
        "pythonModule": "own",
        "args": ["--epochs=2"],
    }
    assert [each["name"] for each in variables] == ["A", "DAGFACTORY_SECRETS"]
    assert "projects/demo-project/secrets/wandb/versions/latest" in variables[1]["value"]
    assert {**second, "replicaCount": 1} == {**first, "replicaCount": 1}


def test_several_packages_and_references_in_them(lowered):
    body = f"type: train\n{JOB}module: own\npackage: ['${{env.bucket}}/own-1.tar.gz', {PACKAGE}]"
    found = pools(lowered(body))[0]["pythonPackageSpec"]["packageUris"]
    assert found == ["gs://demo-ml/own-1.tar.gz", PACKAGE]


def test_evaluate_brings_its_module(lowered):
    body = f"type: evaluate\n{JOB}model: gs://bucket/model\npackage: {PACKAGE}\n"
    made = lowered(body + "args: {textures: gs://bucket/t}\n")
    program = pools(made)[0]["pythonPackageSpec"]
    assert program["pythonModule"] == "trainer.evaluate"
    assert program["args"] == ["--model=gs://bucket/model", "--textures=gs://bucket/t"]


@pytest.mark.parametrize("type_", ["train", "sweep"])
@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (f"package: {PACKAGE}", ("DF121", "`it` lacks the key `module`")),
        (
            f"package: {PACKAGE}\ncommand: [x]",
            ("DF123", "`package` and `command` exclude each other"),
        ),
        (
            "package: dist/trainer-0.1.0.tar.gz\nmodule: own",
            ("DF123", "`dist/trainer-0.1.0.tar.gz` is not a Python package in Cloud Storage"),
        ),
        (
            "package: gs://bucket/trainer.zip\nmodule: own",
            ("DF123", "`gs://bucket/trainer.zip` is not a Python package in Cloud Storage"),
        ),
        ("package: []\nmodule: own", ("DF123", "")),
        ("package: 5\nmodule: own", ("DF122", "")),
    ],
)
def test_what_is_wrong_with_a_package(faults, type_, keys, fault):
    rest = SWEEP if type_ == "sweep" else ""
    ((code, message),) = faults(f"type: {type_}\n{JOB}{rest}{keys}\n")
    assert code == fault[0]
    assert message.startswith(fault[1])
