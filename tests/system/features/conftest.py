"""Specs of this folder, rendered for the Airflow line under test and run by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from lines import AIRFLOW_2, PYTHON
from paths import TESTS
from runtime.conftest import Airflow, driver, settings

from dagfactory.compiler.bundle.bundle import write
from dagfactory.compiler.compile import build
from dagfactory.project.specs import find_specs

ENVIRONMENT = """
environment: test
project: demo-project
region: us-central1
bucket: gs://demo-ml
target: {}
"""
HERE = Path(__file__).parent
TARGET = "airflow2" if Path(PYTHON) == AIRFLOW_2 else "airflow3"


def rendered(texts: dict[str, str], folder: Path) -> Path:
    """Write the DAGs of specs for the line under test; return the folder they are in."""
    specs = folder / "specs"
    (specs / "environments").mkdir(parents=True)
    (specs / "environments/test.yaml").write_text(ENVIRONMENT.format(TARGET))
    for name, text in texts.items():
        (specs / f"{name}.yaml").write_text(text)
    built = build(find_specs([specs]), "test")
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags")
    return folder / "dags"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dagfactory.emulator.client import start

    worker = TESTS / "runtime"
    with start(tmp_path_factory.mktemp("emulator"), slots=4, workdir=worker) as running:
        yield running


@pytest.fixture(scope="session")
def bucket(emulator: Any) -> Path:
    """Return the directory behind gs://demo-ml."""
    path = Path(emulator.env["GCSFUSE_ROOT"], "demo-ml")
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def airflow(emulator: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("airflow")
    texts = {path.stem: path.read_text() for path in (HERE / "specs").glob("*.yaml")}
    rendered(texts, home)
    (home / "logs").mkdir()
    env = emulator.environ() | settings(home, home / "dags")
    env["PYTHONPATH"] += f"{os.pathsep}{home / 'dags'}"
    migrate = [PYTHON, "-m", "airflow", "db", "migrate"]
    processes.run(migrate, env=env, check=True, capture_output=True, timeout=300)
    with (home / "driver.log").open("w") as errors, driver(env, errors) as process:
        yield Airflow(process, home / "logs")
