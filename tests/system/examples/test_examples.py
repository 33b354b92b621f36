"""The examples: no finding in any environment, rendered for prod, parsed and serialized by Airflow."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import processes
import pytest
from paths import PARSE, ROOT

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.compiler.check import check_specs

FOLDER = ROOT / "specs/examples"
SPECS = sorted(FOLDER.glob("*.yaml"))
PROGRAM = PARSE
PATTERNS = {
    "basic_chain",
    "warehouse_to_endpoint",
    "fan_out_fan_in",
    "branch_on_accuracy",
    "trigger_rules",
    "sweep_halving",
    "sweep_three",
    "retries",
    "secrets",
    "pools_and_queues",
    "two_stages",
    "spot_training",
    "incremental",
    "python_package",
    "alerts",
}


def test_there_is_one_per_pattern() -> None:
    assert {path.stem for path in SPECS} == PATTERNS


def test_what_of_each_runs_here_is_told() -> None:
    text = (ROOT / "docs/run.md").read_text()
    table = text.partition("<!-- examples -->")[2].partition("<!-- end -->")[0]
    rows = [line.split("|")[1:4] for line in table.splitlines() if line.startswith("| `")]
    assert [spec.strip(" `") for spec, _, _ in rows] == sorted(PATTERNS)
    assert all(executed.strip() for _, executed, _ in rows)


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_it_checks_clean_everywhere(spec: Path) -> None:
    findings = check_specs([spec], None)
    assert [each.message for each in findings.diagnostics] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_it_names_itself_and_says_what_it_is_for(spec: Path) -> None:
    lines = spec.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../../schema/pipeline.schema.json"
    assert lines[1].startswith("# ")
    assert lines[2] == f"pipeline: {spec.stem}"
    assert lines[3].startswith("description: ")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("examples")
    built = build(SPECS, "prod")
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags/ml_pipelines")
    environment = os.environ | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(folder / "dags"),
    }
    command = [sys.executable, str(PROGRAM), str(folder / "dags")]
    done = processes.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.airflow
def test_airflow_takes_them_all(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert parsed["warnings"] == []
    assert set(parsed["same"]) == PATTERNS


@pytest.mark.airflow
def test_serialization_is_stable_and_small(parsed: dict[str, Any]) -> None:
    assert {name: found for name, found in parsed["same"].items() if found} == {}
    assert max(parsed["sizes"].values()) < 20_000


@pytest.mark.airflow
def test_parsing_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []
