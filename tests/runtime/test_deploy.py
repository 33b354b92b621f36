"""A model is deployed once, whatever its name looks like, and an alias means where it points now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from dagfactory.runtime.endpoint import DeployModelOperator, version_of
from dagfactory.runtime.registry import RegisterModelOperator

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

PLACE = {"project": "demo", "region": "us-central1", "poll": 0}
MACHINE = {"machineSpec": {"machineType": "n1-standard-4"}, "minReplicaCount": 1}


def context(task: str) -> dict[str, Any]:
    ti = {"dag_id": "d", "task_id": task, "run_id": uuid4().hex, "map_index": -1}
    return {"ti": SimpleNamespace(**ti)}


def registered(name: str) -> str:
    """Register a version of a model with the alias `best`."""
    model = {
        "displayName": name,
        "artifactUri": "gs://demo-ml/model",
        "containerSpec": {"imageUri": "serve:1"},
    }
    operator = RegisterModelOperator(task_id="register", model=model, aliases=["best"], **PLACE)
    return str(operator.execute(context("register"))["model"])


def deployed(model: str, endpoint: str, new: int = 100) -> dict[str, Any]:
    share = {"new": new, "current": 100 - new}
    operator = DeployModelOperator(
        task_id="deploy", model=model, endpoint=endpoint, traffic=share, machine=MACHINE, **PLACE
    )
    return operator.execute(context("deploy"))


def test_an_alias_and_a_version_are_one_deployment():
    name = f"m{uuid4().hex[:8]}"
    model = registered(name)
    first = deployed(model, name)
    alias = f"{model.partition('@')[0]}@best"
    assert deployed(alias, name) == first
    assert deployed(model.partition("@")[0], name) == first
    assert first["traffic"] == {first["deployed_model"]: 100}


def test_an_alias_that_has_moved_deploys_the_new_version():
    name = f"m{uuid4().hex[:8]}"
    alias = f"{registered(name).partition('@')[0]}@best"
    first = deployed(alias, name)
    registered(name)
    second = deployed(alias, name, new=10)
    assert second["traffic"] == {first["deployed_model"]: 90, second["deployed_model"]: 10}


def test_a_version_is_the_same_under_the_number_and_the_id_of_its_project():
    answers = [
        {"name": "projects/demo/locations/r/models/7", "versionId": "2"},
        {"name": "projects/1/locations/r/models/7@2", "versionId": "2"},
        {"model": "projects/1/locations/r/models/7", "modelVersionId": "2"},
        {"model": "projects/1/locations/r/models/7@2"},
    ]
    assert {version_of(each) for each in answers} == {"7@2"}
