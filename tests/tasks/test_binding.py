"""Every key of every type reaches a parameter that the installed provider's class really has.

Real classes are built, in one process for all. A provider that is not installed here is skipped by name.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
import yaml
from environments import WITH_EVERYTHING

from dagfactory import tasks as task_types
from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.dag import lower
from dagfactory.dagfile.model import Operator

HERE = Path(__file__).parent
SPEC = HERE / "every_key.yaml"
TASKS: dict[str, dict[str, Any]] = yaml.safe_load(SPEC.read_text())["tasks"]
COMMON = set(task_types.task_type("empty").model.model_fields)

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("every") / "specs"
    (folder / "environments").mkdir(parents=True)
    (folder / "environments/test.yaml").write_text(WITH_EVERYTHING)
    shutil.copy(SPEC, folder)
    made = compile_spec(folder / SPEC.name, "test")
    assert made.plan, made.diagnostics
    members = lower(made.plan, source="specs/every_key.yaml").members
    return {each.id: _wanted(each) for each in members if isinstance(each, Operator)}


def _wanted(operator: Operator) -> dict[str, Any]:
    return {key: operator.arguments[key] for key in ("operator", "arguments")}


@pytest.fixture(scope="module")
def built(operators: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    import os

    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path_factory.mktemp("home"))}
    command = [sys.executable, str(HERE / "build_operators.py")]
    text = json.dumps(operators, default=lambda call: {call.symbol.name: call.arguments})
    done = processes.run(
        command, input=text, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def _answer(built: dict[str, Any], task: str) -> dict[str, Any]:
    answer: dict[str, Any] = built[task]
    if "missing" in answer:
        pytest.skip(f"not installed here: {answer['missing'][:80]}")
    return answer


@pytest.mark.parametrize("task", TASKS)
def test_the_real_class_takes_the_arguments(built: dict[str, Any], task: str) -> None:
    answer = _answer(built, task)
    assert "error" not in answer
    assert answer["unknown"] == []


def test_secrets_and_resources_reach_the_pod(built: dict[str, Any]) -> None:
    spec = _answer(built, "own_pod")["pod"]["spec"]
    (container,) = spec["containers"]
    assert container["image"] == "i:1"
    assert container["resources"] == {
        "requests": {"cpu": "500m"},
        "limits": {"nvidia.com/gpu": "1"},
    }
    assert {each["name"]: each.get("value") or each["valueFrom"] for each in container["env"]} == {
        "LEVEL": "info",
        "KEY": {"secretKeyRef": {"name": "wandb", "key": "api-key"}},
    }
    assert spec["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert spec["priorityClassName"] == "batch"


def _keys(types: set[str]) -> Iterator[tuple[str, str]]:
    for name in types:
        fields = task_types.task_type(name).model.model_fields
        for field, info in fields.items():
            if field not in COMMON:
                yield name, info.alias or field


def test_no_key_is_left_out() -> None:
    types = {task["type"] for task in TASKS.values()}
    used = {(task["type"], key) for task in TASKS.values() for key in task}
    assert sorted(set(_keys(types)) - used) == []


def test_every_key_explains_itself() -> None:
    ours = {task["type"] for task in TASKS.values()} - {"bigquery_to_gcs"}
    silent = [
        (name, field)
        for name in ours
        for field, info in task_types.task_type(name).model.model_fields.items()
        if field not in COMMON and not info.description
    ]
    assert silent == []
