"""Odd but right specs in a real Airflow: no error, no warning, and just the edges that were planned."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import processes
import pytest

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.plan.model import Plan, PlannedTask
from dagfactory.project.specs import find_specs

SPECS = find_specs([Path(__file__).with_name("odd")])
PROGRAM = Path(__file__).with_name("parse.py")
OPERATORS = """from airflow.providers.common.compat.sdk import BaseOperator


class {0}(BaseOperator):
    def __init__(self, *, x: object = None, **arguments: object) -> None:
        super().__init__(**arguments)
        self.x = x
"""
NAMES = ("Thing", "Param", "DAG", "datetime", "thing", "TaskGroup")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    built = build(SPECS, "prod")
    assert built.bundle, [each for each in built.diagnostics if each.severity == "error"]
    write(built.bundle, folder / "dags/ml/lines")
    (folder / "lib/own").mkdir(parents=True)
    for module in ("one", "two"):
        text = "\n\n".join(OPERATORS.format(name) for name in NAMES)
        (folder / f"lib/own/{module}.py").write_text(text)
    path = f"{folder}/dags{os.pathsep}{folder}/lib"
    environment = os.environ | {"AIRFLOW_HOME": str(folder / "home"), "PYTHONPATH": path}
    environment["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    command = [sys.executable, str(PROGRAM), str(folder / "dags")]
    result = processes.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout.splitlines()[-1])
    return answer | {
        "plans": [compile_spec(each, "prod").plan for each in SPECS],
        "folder": folder / "dags/ml/lines",
    }


@pytest.mark.airflow
def test_airflow_takes_them_all(parsed):
    assert parsed["errors"] == {}
    assert parsed["warnings"] == []
    assert set(parsed["edges"]) == {plan.pipeline.pipeline for plan in parsed["plans"]}
    assert len(parsed["plans"]) >= 25


@pytest.mark.airflow
def test_nothing_is_lost_when_they_are_serialized(parsed):
    assert {name: lost for name, lost in parsed["same"].items() if lost} == {}


@pytest.mark.airflow
def test_edges_are_the_planned_ones(parsed):
    for plan in parsed["plans"]:
        expected = sorted([first, second] for first, second in _edges(plan))
        assert parsed["edges"][plan.pipeline.pipeline] == expected


@pytest.mark.airflow
def test_the_formatter_has_nothing_to_say(parsed):
    files = [str(path) for path in parsed["folder"].glob("*.py")]
    ruff = [sys.executable, "-m", "ruff"]
    processes.run([*ruff, "format", "--isolated", "--check", *files], check=True)
    processes.run([*ruff, "check", "--isolated", "--select", "F,E9,I", *files], check=True)


def _edges(plan: Plan) -> set[tuple[str, str]]:
    """Say which Airflow tasks wait for which: a group is all its tasks, a sweep its two parts."""
    leaves = [each for each in plan.tasks.values() if each.task.type != "group"]
    sweeps = [each.context.airflow_id for each in leaves if each.task.type == "sweep"]
    found = {(f"{name}.trial", f"{name}.best") for name in sweeps}
    for edge in plan.edges:
        first = _ends(plan, plan.tasks[edge.upstream], leaves)
        second = _begins(plan, plan.tasks[edge.downstream], leaves)
        found |= {(one, other) for one in first for other in second}
    return found


def _within(item: PlannedTask, leaves: list[PlannedTask]) -> list[PlannedTask]:
    return [each for each in leaves if item.id in (each.id, *each.groups)]


def _begins(plan: Plan, item: PlannedTask, leaves: list[PlannedTask]) -> set[str]:
    inside = _within(item, leaves)
    near = {name for each in inside for name in (each.id, *each.groups)} - {item.id, *item.groups}
    late = {e.downstream for e in plan.edges if e.upstream in near and e.downstream in near}
    first = [each for each in inside if not late & {each.id, *each.groups}]
    part = {"sweep": ".trial"}
    return {each.context.airflow_id + part.get(each.task.type, "") for each in first}


def _ends(plan: Plan, item: PlannedTask, leaves: list[PlannedTask]) -> set[str]:
    inside = _within(item, leaves)
    near = {name for each in inside for name in (each.id, *each.groups)} - {item.id, *item.groups}
    early = {e.upstream for e in plan.edges if e.upstream in near and e.downstream in near}
    last = [each for each in inside if not early & {each.id, *each.groups}]
    part = {"sweep": ".best"}
    return {each.context.airflow_id + part.get(each.task.type, "") for each in last}
