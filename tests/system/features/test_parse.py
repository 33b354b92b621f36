"""The specs of this folder in a real Airflow: imported without a word, cheap, the same when read back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
from features import rendered, specs
from lines import PYTHON
from paths import PARSE

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("parsed")
    texts = specs()
    dags = rendered(texts, folder)
    env = os.environ | {"AIRFLOW_HOME": str(folder / "home"), "PYTHONPATH": str(dags)}
    env["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    command = [PYTHON, str(PARSE), str(dags)]
    done = processes.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]) | {"names": set(texts), "dags": dags}


def test_airflow_takes_them_all(parsed: dict[str, Any]) -> None:
    assert (parsed["errors"], parsed["warnings"]) == ({}, [])
    assert set(parsed["edges"]) == parsed["names"]


def test_assets_and_lists_cost_no_import(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []


def test_nothing_is_lost_when_they_are_serialized(parsed: dict[str, Any]) -> None:
    assert {name: lost for name, lost in parsed["same"].items() if lost} == {}


def test_edges_go_to_the_reading_of_a_list_and_to_teardowns(parsed: dict[str, Any]) -> None:
    mapped, torn = parsed["edges"]["mapped"], parsed["edges"]["torn_down"]
    assert ["find", "read.items"] in mapped
    assert ["read.items", "read.each"] in mapped
    assert ["find", "read.each"] not in mapped
    assert [edge for edge in torn if edge[1] == "delete"] == [
        ["create", "delete"],
        ["later", "delete"],
    ]


def test_the_formatter_has_nothing_to_say(parsed: dict[str, Any]) -> None:
    files = [str(path) for path in Path(parsed["dags"]).glob("*.py")]
    ruff = [sys.executable, "-m", "ruff"]
    processes.run([*ruff, "format", "--isolated", "--check", *files], check=True)
    processes.run([*ruff, "check", "--isolated", "--select", "F,E9,I", *files], check=True)
