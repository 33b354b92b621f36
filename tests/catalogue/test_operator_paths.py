"""Paths of operators: what is reported as missing is what Python cannot import, and nothing else."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import processes
import pytest

from dagfactory.catalogue.operator_moves import MODULES
from dagfactory.catalogue.operator_paths import airflow_line, missing

P = "airflow.providers"
POD = f"{P}.cncf.kubernetes.operators.pod.KubernetesPodOperator"
GCS = f"{P}.google.cloud.transfers.gcs_to_gcs.GCSToGCSOperator"
LOAD = f"{P}.google.cloud.transfers.gcs_to_bigquery.GCSToBigQueryOperator"
WEBHOOK = f"{P}.slack.operators.slack_webhook.SlackWebhookOperator"
EXTERNAL = f"{P}.standard.sensors.external_task.ExternalTaskSensor"
MOVED = {
    f"{P}.cncf.kubernetes.operators.kubernetes_pod.KubernetesPodOperator": POD,
    f"{P}.google.cloud.operators.gcs_to_gcs.GCSToGCSOperator": GCS,
    f"{P}.google.cloud.operators.bigquery.GCSToBigQueryOperator": LOAD,
    "airflow.contrib.operators.kubernetes_pod_operator.KubernetesPodOperator": POD,
    "airflow.contrib.operators.slack_webhook_operator.SlackWebhookOperator": WEBHOOK,
    "airflow.operators.bash_operator.BashOperator": f"{P}.standard.operators.bash.BashOperator",
    "airflow.operators.dummy_operator.DummyOperator": f"{P}.standard.operators.empty.EmptyOperator",
    "airflow.operators.http_operator.SimpleHttpOperator": f"{P}.http.operators.http.HttpOperator",
    "airflow.sensors.external_task_sensor.ExternalTaskSensor": EXTERNAL,
    "airflow.contrib.operators.bigquery_operator.BigQueryOperator": None,
    "airflow.operators.subdag.SubDagOperator": None,
}
UNKNOWN = [
    "my_team.operators.Foo",
    f"{P}.amazon.aws.operators.s3.S3CopyObjectOperator",
    f"{P}.apache.spark.operators.spark_submit.SparkSubmitOperator",
    f"{P}.microsoft.azure.operators.adls.ADLSCreateObjectOperator",
    "airflow.sdk.NoSuchOperator",
    "json.NoSuchThing.Operator",
]
IMPORTS = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
found = {}
for path in json.load(sys.stdin):
    module, _, name = path.rpartition(".")
    try:
        getattr(importlib.import_module(module), name)
        found[path] = True
    except (ImportError, AttributeError):
        found[path] = False
print(json.dumps(found))
"""


def operators():
    """Return the paths of all operators and sensors in the installed providers."""
    root = Path(importlib.util.find_spec("airflow").origin).parent
    found = []
    for file in sorted((root / "providers").rglob("*.py")):
        if {"operators", "sensors", "transfers"} & set(file.parts):
            module = ".".join(["airflow", *file.relative_to(root).with_suffix("").parts])
            classes = re.findall(
                r"^class (\w+(?:Operator|Sensor))\b", file.read_text(), re.MULTILINE
            )
            found += [f"{module}.{name}" for name in classes]
    return found


REAL = operators()


def damaged(path):
    """Yield wrong paths near to a right one: a letter too many, one too few, another module."""
    module, _, name = path.rpartition(".")
    package, _, last = module.rpartition(".")
    yield f"{path}r"
    yield f"{module}.{name[:-1]}"
    yield f"{module}.{name.lower()}"
    yield f"{package}.{last}_operator.{name}"


def test_there_is_something_to_compare():
    assert len(REAL) > 400
    assert airflow_line() == "3"


def test_every_operator_that_is_installed_is_there():
    assert [path for path in REAL[::2] if missing(path)] == []


@pytest.mark.parametrize("path", REAL[::12])
def test_wrong_paths_near_to_a_right_one_lead_back_to_it(path):
    module, _, name = path.rpartition(".")
    for wrong in damaged(path):
        gone = missing(wrong)
        assert gone, wrong
        if gone.is_module:
            assert gone.moved
            assert gone.moved.endswith(f".{name}")
        elif "Base" not in name:
            assert name in gone.names
    assert missing(f"{module}.{name}") is None


@pytest.mark.parametrize(("path", "moved"), MOVED.items())
def test_old_paths_name_the_new_one(path, moved):
    gone = missing(path)
    assert gone
    assert gone.moved == moved


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_not_installed_or_not_known_is_not_reported(path):
    assert missing(path) is None


@pytest.mark.airflow
def test_what_is_reported_cannot_be_imported(tmp_path):
    asked = [f"{module}.BashOperator" for module in MODULES]
    asked += ["airflow.operators.empty.EmptyOperator", "airflow.sensors.filesystem.FileSensor"]
    light = [path for path in REAL if path.startswith((f"{P}.standard.", f"{P}.slack."))]
    asked += [*MOVED, *(wrong for path in light[::3] for wrong in damaged(path))]
    done = processes.run(
        [sys.executable, "-c", IMPORTS],
        input=json.dumps(asked),
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    imported = json.loads(done.stdout.splitlines()[-1])
    assert [path for path in asked if missing(path) and imported[path]] == []
    assert [path for path in asked if not missing(path) and not imported[path]] == []
