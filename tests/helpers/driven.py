"""A real Airflow in a process of its own, which runs one DAG after another: for both lines."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, TextIO

import processes
import pytest
from lines import PYTHON
from paths import ROOT, TESTS

RUNTIME = TESTS / "runtime"
DAG_TIMEOUT = 240.0


@dataclass
class Airflow:
    """A running driver process, and where its logs go."""

    process: subprocess.Popen[str]
    logs: Path

    def run(self, dag: str, **conf: Any) -> Run:
        """Run a DAG of tests/runtime/dags and return how it ended."""
        assert self.process.stdin
        assert self.process.stdout
        log = self.logs / f"{dag}-{len(list(self.logs.iterdir()))}.log"
        request = {"dag": dag, "conf": conf, "log": str(log)}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        if not wait([self.process.stdout], DAG_TIMEOUT):
            pytest.fail(f"{dag} did not end; the log says\n{log.read_text()[-4000:]}")
        line = self.process.stdout.readline()
        assert line, f"the driver died; the log says\n{log.read_text()[-4000:]}"
        return Run(**json.loads(line), log=log.read_text())


@dataclass
class Run:
    """One finished DAG run."""

    run_id: str
    state: str
    tasks: dict[str, dict[str, Any]]
    log: str

    def xcom(self, task: str) -> Any:
        """Return what a task returned."""
        return self.tasks[task]["xcom"]

    def states(self) -> dict[str, str]:
        """Return how each task ended."""
        return {name: task["state"] for name, task in self.tasks.items()}


@contextlib.contextmanager
def driver(env: dict[str, str], errors: TextIO) -> Iterator[subprocess.Popen[str]]:
    """Run tests/runtime/driver.py until the session ends."""
    command = [PYTHON, str(RUNTIME / "driver.py")]
    pipe = subprocess.PIPE
    with processes.started(
        command, limit=None, env=env, stdin=pipe, stdout=pipe, stderr=errors, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        process.wait(30)


def settings(home: Path, dags: Path) -> dict[str, str]:
    """Return the variables of an Airflow of its own."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "task_logs"),
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
