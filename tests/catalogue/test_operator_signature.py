"""Arguments of operators: what is read from their source is what Python finds when it imports them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import processes
import pytest
from paths import TESTS

from dagfactory.catalogue.operator_signature import signature

CLASSES = [
    "airflow.providers.standard.operators.bash.BashOperator",
    "airflow.providers.standard.operators.python.PythonVirtualenvOperator",
    "airflow.providers.standard.operators.trigger_dagrun.TriggerDagRunOperator",
    "airflow.providers.standard.sensors.external_task.ExternalTaskSensor",
    "airflow.providers.google.cloud.operators.bigquery.BigQueryInsertJobOperator",
    "airflow.providers.google.cloud.sensors.gcs.GCSObjectExistenceSensor",
    "airflow.providers.google.cloud.transfers.gcs_to_gcs.GCSToGCSOperator",
    "airflow.providers.google.cloud.operators.vertex_ai.batch_prediction_job.CreateBatchPredictionJobOperator",
    "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator",
    "airflow.providers.slack.operators.slack_webhook.SlackWebhookOperator",
    "airflow.providers.smtp.operators.smtp.EmailOperator",
]
PROGRAM = """
import inspect, json, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
from importlib import import_module
from build_operators import known_parameters
answers = {}
for path in json.load(sys.stdin):
    module, _, name = path.rpartition(".")
    found = known_parameters(getattr(import_module(module), name))
    answers[path] = sorted(found - {"self", "args", "kwargs"})
print(json.dumps(answers))
"""


@pytest.mark.airflow
def test_names_are_those_of_the_imported_classes(tmp_path: Path) -> None:
    tasks = TESTS / "tasks"
    done = processes.run(
        [sys.executable, "-c", PROGRAM, str(tasks)],
        input=json.dumps(CLASSES),
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    for path, names in json.loads(done.stdout.splitlines()[-1]).items():
        found = signature(path)
        assert found, path
        assert (found.complete, found.names ^ set(names)) == (True, set()), path


def test_required_arguments() -> None:
    found = signature("airflow.providers.google.cloud.sensors.gcs.GCSObjectExistenceSensor")
    assert found
    assert found.required == {"bucket", "object"}


SOURCE = """
from airflow.sdk import BaseOperator
from elsewhere import Unseen

class Plain(BaseOperator):
    def __init__(self, table, *, size=1, kind, **kwargs):
        super().__init__(**kwargs)

class Closed(Plain):
    def __init__(self, *, task_id, only):
        super().__init__(only, kind=2, task_id=task_id)

class Inherits(Plain):
    pass

class Unknown(Unseen):
    def __init__(self, *, x, **kwargs):
        super().__init__(**kwargs)

class Circle(Circle):
    pass

raise SystemExit("reading runs nothing")
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    package = tmp_path / "own_operators"
    package.mkdir()
    (package / "__init__.py").write_text("from .things import Plain as Renamed\n")
    (package / "things.py").write_text(SOURCE)
    (package / "broken.py").write_text("class X(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return package.name


def test_own_classes(module: str) -> None:
    plain = signature(f"{module}.Renamed")
    assert plain
    assert {"table", "size", "kind", "retries"} <= plain.names
    assert (plain.required, plain.complete) == ({"table", "kind"}, True)
    assert signature(f"{module}.things.Inherits") == plain
    closed = signature(f"{module}.things.Closed")
    assert closed
    assert (closed.names, closed.required) == ({"task_id", "only"}, {"only"})


def test_what_cannot_be_read_is_not_guessed(module: str) -> None:
    unknown = signature(f"{module}.things.Unknown")
    assert unknown
    assert not unknown.complete
    circle = signature(f"{module}.things.Circle")
    assert circle
    assert not circle.complete
    for path in (f"{module}.things.Nothing", f"{module}.broken.X", "not.there.X", "X"):
        assert signature(path) is None
