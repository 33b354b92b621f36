"""The table of operators against the Airflow that is installed."""

import json
import sys

import processes
import pytest

from dagfactory.catalogue import operator_moves
from dagfactory.importers import _operators as operators
from dagfactory.importers._callbacks import CALLBACK
from dagfactory.importers._tasks import _COMMON

OLD = {
    "airflow.operators.bash_operator.BashOperator": operators.BASH,
    "airflow.operators.dummy_operator.DummyOperator": operators.EMPTY,
    "airflow.operators.dummy.DummyOperator": operators.EMPTY,
    "airflow.operators.python_operator.PythonOperator": operators.PYTHON,
    "airflow.providers.http.operators.http.SimpleHttpOperator": operators.HTTP,
    "shop.operators.BakeOperator": "shop.operators.BakeOperator",
    operators.BASH: operators.BASH,
}
SCRIPT = """
import importlib, inspect, json, sys, warnings
warnings.simplefilter("ignore")
missing = []
for path in json.loads(sys.argv[1]):
    module, _, name = path.rpartition(".")
    try:
        found = importlib.import_module(module)
        name == "*" or getattr(found, name)
    except (ImportError, AttributeError) as error:
        missing.append(path)
from airflow.sdk.bases.operator import BaseOperator
print(json.dumps([missing, sorted(inspect.signature(BaseOperator.__init__).parameters)]))
"""


def airflow(paths):
    command = [sys.executable, "-c", SCRIPT, json.dumps(paths)]
    result = processes.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", OLD)
def test_old_paths(path):
    assert operator_moves.modern(path) == OLD[path]


@pytest.mark.airflow
def test_every_new_home_exists():
    installed = ("airflow.providers.standard.", "airflow.providers.smtp.")
    modules = [
        f"{each}.*" for each in operator_moves.MODULES.values() if each.startswith(installed)
    ]
    classes = [operators.BASH, operators.EMPTY, operators.PYTHON]
    paths = sorted({*modules, *classes, *operators.TAKES_A_FUNCTION})
    assert airflow(paths)[0] == []


@pytest.mark.airflow
def test_arguments_of_every_operator_are_known():
    parameters = {each for each in airflow([])[1] if not CALLBACK.match(each)}
    wired = {"self", "kwargs", "task_id", "dag", "task_group", "default_args"}
    assert parameters - wired == operators.BASE_ARGUMENTS | _COMMON
