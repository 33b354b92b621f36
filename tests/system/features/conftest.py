"""Specs of this folder, rendered for the Airflow line under test and run by it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from driven import Airflow, driver, settings
from features import rendered, specs
from lines import PYTHON
from paths import TESTS


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dagfactory.emulator.client import start

    worker = TESTS / "runtime"
    with start(
        tmp_path_factory.mktemp("emulator"), slots=4, workdir=worker, buckets=["demo-ml"]
    ) as running:
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
    rendered(specs(), home)
    (home / "logs").mkdir()
    env = emulator.environ() | settings(home, home / "dags")
    env["PYTHONPATH"] += f"{os.pathsep}{home / 'dags'}"
    migrate = [PYTHON, "-m", "airflow", "db", "migrate"]
    processes.run(migrate, env=env, check=True, capture_output=True, timeout=300)
    with (home / "driver.log").open("w") as errors, driver(env, errors) as process:
        yield Airflow(process, home / "logs")
