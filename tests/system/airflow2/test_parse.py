"""Files rendered for Airflow 2 in a real 2.11.1: imported, serialized, read back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import processes
import pytest
from lines import AIRFLOW_2, specs_for
from paths import PARSE

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write

pytestmark = pytest.mark.airflow2

PROGRAM = PARSE
ASSETS = """\
pipeline: assets
schedule: {assets: ["gs://demo-ml/raw"]}
timezone: Europe/Berlin
alerts: {on_failure: [{slack: {connection: slack_ml}}], on_run_failure: [{email: {to: a@b.c}}]}
tasks:
  inner:
    type: group
    tasks: {shell: {type: bash, command: "echo {{ ds }}"}, nothing: {type: empty}}
  search:
    type: sweep
    module: elsewhere
    image: "us-docker.pkg.dev/p/r/t:1"
    machine: {type: g2-standard-4}
    metric: {name: loss, goal: minimize}
    parameters: {a: {values: [1, 2]}}
    alerts: {on_retry: [{pagerduty: {connection: pagerduty_ml}}]}
"""


def parse(folder: Path, environment: str, *names: str) -> dict[str, Any]:
    """Render specs for Airflow 2, let 2.11.1 parse the bundle, and return what it says."""
    specs = specs_for("airflow2", folder)
    (specs / "assets.yaml").write_text(ASSETS)
    built = build([specs / f"{name}.yaml" for name in names], environment)
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags/ml_pipelines")
    settings = os.environ | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(folder / "dags"),
    }
    command = [str(AIRFLOW_2), str(PROGRAM), str(folder / "dags")]
    done = processes.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module", params=["local", "prod"])
def parsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return parse(tmp_path_factory.mktemp("airflow2"), request.param, "arr_coc", "quickstart")


def test_no_errors_and_no_warnings(parsed: dict) -> None:
    assert parsed["errors"] == {}
    assert parsed["warnings"] == []


def test_serialization_is_stable(parsed: dict) -> None:
    assert parsed["same"] == {"arr_coc": [], "quickstart": []}


def test_parsing_imports_nothing_heavy(parsed: dict) -> None:
    assert parsed["heavy"] == []


def test_airflow_sees_the_planned_edges(parsed: dict) -> None:
    edges = parsed["edges"]["arr_coc"]
    for edge in (["search.trial", "search.best"], ["decide_deployment", "register"]):
        assert edge in edges


def test_assets_are_datasets_and_times_have_a_zone(tmp_path: Path) -> None:
    parsed = parse(tmp_path, "prod", "assets")
    assert (parsed["errors"], parsed["warnings"], parsed["same"]) == ({}, [], {"assets": []})
