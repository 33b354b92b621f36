"""Specs of `templated.findings` through Airflow's `dag.test`, in a process and a home of their own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import processes
from paths import TESTS

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write

PROGRAM = TESTS / "system/airflow/run_without_date.py"


def dag_test(home: Path, conf: dict[str, Any]) -> dict[str, list[str | None]]:
    """Run the spec below a folder without a logical date; return state and result of each task."""
    built = build([home / "specs/spec.yaml"], "dev")
    assert built.bundle, built.diagnostics
    write(built.bundle, home / "dags")
    settings = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": "google-cloud-platform://?token=none",
    }
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    processes.run(migrate, env=settings, check=True, capture_output=True, timeout=300)
    done = processes.run(
        [sys.executable, str(PROGRAM), "p", json.dumps(conf)],
        env=settings, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, list[str | None]] = json.loads(done.stdout.splitlines()[-1])
    return found
