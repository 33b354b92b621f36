"""The champion of a registry, compared and replaced: real calls against the emulator."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from dagfactory.runtime.gate import GateOperator
from dagfactory.runtime.promote import PromoteOperator
from dagfactory.runtime.registry import RegisterModelOperator

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
PLACE = {"project": "demo", "region": "us-central1", "poll": 1}


@pytest.fixture
def name(bucket):
    made = f"m{uuid4().hex[:8]}"
    folder = bucket / made
    folder.mkdir()
    (folder / "metrics.json").write_text(json.dumps({"accuracy": 0.7}))
    return made


def context(run: str) -> dict[str, Any]:
    fields = {"dag_id": "d", "task_id": "t", "run_id": run, "map_index": -1}
    return {"ti": SimpleNamespace(**fields, xcom_push=lambda **_: None), "params": {}}


def registered(name: str, run: str = "r1") -> str:
    body = {"displayName": name, "artifactUri": f"gs://demo-ml/{name}"}
    body["containerSpec"] = {"imageUri": "serve"}
    made = RegisterModelOperator(task_id="t", model=body, **PLACE).execute(context(run))
    return str(made["model"])


def promoted(model: str) -> dict[str, Any]:
    return PromoteOperator(task_id="t", model=model, alias="champion", **PLACE).execute(
        context("r1")
    )


def decided(old: Any, new: float = 0.8) -> tuple[bool, str]:
    made = GateOperator(
        task_id="t",
        when=["cmp", ["metric", "new.accuracy"], ">", ["metric", "old.accuracy"]],
        text="",
        then=[],
        otherwise=[],
        metrics={"new": json.dumps({"accuracy": new}), "old": old},
    )
    decision, _ = made._decide(context("r1"))
    return decision.passed, decision.reason


def champion(name: str, **more: Any) -> dict[str, Any]:
    source = {"model": name, "alias": "champion", "file": "metrics.json"}
    return {**source, "project": "demo", "region": "us-central1", **more}


def test_the_first_challenger_is_compared_with_the_default(name):
    assert decided(champion(name, default={"accuracy": 0.75})) == (
        True,
        "new.accuracy (0.8) > old.accuracy (0.75) is true",
    )
    registered(name)  # a model without a champion is no champion either
    assert decided(champion(name, default={"accuracy": 0.9}))[0] is False


def test_without_a_default_there_has_to_be_a_champion(name):
    from airflow.providers.common.compat.sdk import AirflowFailException

    with pytest.raises(AirflowFailException, match=r"no version of .* holds the alias champion"):
        decided(champion(name))


def test_the_alias_moves_and_says_from_where(name):
    first = promoted(registered(name))
    assert first["previous"] is None
    second = promoted(registered(name, "r2"))
    assert second["previous"] == first["model"] != second["model"]
    assert promoted(second["model"])["previous"] == second["model"]


def test_a_champions_metrics_lie_beside_its_model(name, bucket):
    promoted(registered(name))
    source = champion(name, default={"accuracy": 0})
    assert decided(source) == (True, "new.accuracy (0.8) > old.accuracy (0.7) is true")
    assert decided(source, new=0.6)[0] is False
    (bucket / f"{name}.json").write_text(json.dumps({"accuracy": 0.95}))
    assert decided(champion(name, file=f"../{name}.json"))[0] is False


def test_a_champion_without_its_file_is_a_mistake(name, bucket):
    from airflow.providers.common.compat.sdk import AirflowFailException

    promoted(registered(name))
    (bucket / name / "metrics.json").unlink()
    with pytest.raises(AirflowFailException, match=r"there is no metrics\.json"):
        decided(champion(name, default={"accuracy": 0}))


def test_a_file_may_be_missing_where_there_is_a_default(name):
    address = f"gs://demo-ml/{name}/later.json"
    assert decided({"address": address, "default": {"accuracy": 0.1}})[0]
    assert decided({"address": f"gs://demo-ml/{name}/metrics.json", "default": {"accuracy": 0.9}})[
        0
    ]


def test_only_a_version_can_be_promoted(name):
    from airflow.providers.common.compat.sdk import AirflowFailException

    with pytest.raises(AirflowFailException, match="is not a version of a model"):
        promoted(registered(name).partition("@")[0])
