"""Rendered files in a real Airflow: no import error, no warning, serialized and read back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import processes
import pytest
from paths import ROOT

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write

PROGRAM = Path(__file__).with_name("parse.py")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("airflow")
    specs = [ROOT / "specs/arr_coc.yaml", ROOT / "specs/quickstart.yaml", _sweep(folder)]
    built = build(specs, "prod")
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags/ml_pipelines")
    environment = os.environ | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(folder / "dags"),
    }
    command = [sys.executable, str(PROGRAM), str(folder / "dags")]
    result = processes.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1]) | {"bundle": built.bundle}


def _sweep(folder: Path) -> Path:
    """A sweep of 1,000 trials, beside the flagship's environments."""
    import shutil

    shutil.copytree(ROOT / "specs", folder / "specs")
    values = list(range(1, 101))
    text = (
        "pipeline: thousand\nalerts: {on_failure: [{slack: {connection: slack_ml}}], deadline: 8h}\n"
        "tasks:\n  search:\n    type: sweep\n    module: elsewhere\n"
        "    alerts: {on_retry: [{email: {to: a@example.com}}]}\n"
        "    machine: {type: g2-standard-4}\n    metric: {name: loss, goal: minimize}\n"
        f"    parameters: {{a: {{values: {values}}}, b: {{values: {values[:10]}}}}}\n"
    )
    path = folder / "specs/thousand.yaml"
    path.write_text(text)
    return path


@pytest.mark.airflow
def test_no_errors_and_no_warnings(parsed: dict) -> None:
    assert parsed["errors"] == {}
    assert parsed["warnings"] == []
    assert set(parsed["same"]) == {"arr_coc", "quickstart", "thousand"}


@pytest.mark.airflow
def test_serialization_is_stable(parsed: dict) -> None:
    assert parsed["same"] == {"arr_coc": [], "quickstart": [], "thousand": []}


@pytest.mark.airflow
def test_parsing_imports_nothing_heavy(parsed: dict) -> None:
    assert parsed["heavy"] == []


@pytest.mark.airflow
def test_a_thousand_trials_stay_small(parsed: dict) -> None:
    assert parsed["sizes"]["thousand"] <= 20_000
    assert len(parsed["bundle"].files["thousand.py"]) <= 20_000


@pytest.mark.airflow
def test_airflow_sees_the_planned_edges(parsed: dict) -> None:
    edges = parsed["edges"]["arr_coc"]
    assert ["search.trial", "search.best"] in edges
    assert ["compute_textures", "search.trial"] in edges
    assert ["search.best", "train"] in edges
    assert ["decide_deployment", "register"] in edges
