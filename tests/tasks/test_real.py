"""Storage tasks for real: rendered, run by Airflow through the real operators, over the wire.

`late` waits in its trigger until the test, seeing that it has deferred, brings what it waits for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from environments import WITH_EVERYTHING
from paths import ROOT

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write

HERE = Path(__file__).parent
CHILD = "pipeline: child\ntasks: {a: {type: empty}}\n"

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dagfactory.emulator.client import start

    with start(
        tmp_path_factory.mktemp("emulator"), slots=1, workdir=HERE, buckets=["demo-ml"]
    ) as running:
        yield running


@pytest.fixture(scope="module")
def bucket(emulator: Any) -> Path:
    """Return the folder behind gs://demo-ml, with what is copied from it."""
    root = Path(emulator.env["GCSFUSE_ROOT"], "demo-ml")
    for name in ("in/a.txt", "in/b.json", "in/deep/er/c.txt"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


@pytest.fixture(scope="module")
def environ(emulator: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of an Airflow whose dags folder holds the rendered pipelines."""
    home = tmp_path_factory.mktemp("home")
    specs = home / "specs"
    (specs / "environments").mkdir(parents=True)
    (specs / "environments/test.yaml").write_text(WITH_EVERYTHING)
    (specs / "child.yaml").write_text(CHILD)
    shutil.copy(HERE / "real.yaml", specs)
    built = build([specs / "real.yaml", specs / "child.yaml"], "test")
    assert built.bundle, built.diagnostics
    write(built.bundle, home / "dags")
    made: dict[str, str] = (
        emulator.environ()
        | emulator.direct
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONWARNINGS": "ignore",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
    )
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    processes.run(migrate, env=made, check=True, capture_output=True, timeout=300)
    return made


@pytest.fixture(scope="module")
def run(environ: dict[str, str], bucket: Path) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "run_dag.py"), "real"]
    pipe = subprocess.PIPE
    lines = []
    with processes.started(
        command, env=environ, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if "GCSPrefixBlobTrigger" in line or "deferred" in line.lower():
                (bucket / "late").mkdir(exist_ok=True)
                (bucket / "late/one.txt").write_text("here")
        process.wait(60)  # before it is left, which kills it
    text = "".join(lines)
    assert process.returncode == 0, text[-4000:]
    return json.loads(lines[-1]) | {"log": text}


def files(bucket: Path, run: dict[str, Any], folder: str) -> set[str]:
    root = bucket / "runs/real" / run["run_id"] / folder
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_all_ended_as_they_should(run: dict[str, Any]) -> None:
    states = {name: task["state"] for name, task in run["tasks"].items()}
    assert states.pop("absent") == "failed"
    assert set(states.values()) == {"success"}, run["log"][-4000:]


def test_a_folder_keeps_its_sub_folders(run: dict[str, Any], bucket: Path) -> None:
    assert files(bucket, run, "folder") == {"a.txt", "b.json", "deep/er/c.txt"}


def test_moving_leaves_nothing_behind(run: dict[str, Any], bucket: Path) -> None:
    assert {"moved.txt"} == {each for each in files(bucket, run, "") if "/" not in each}


def test_deleting_a_folder(run: dict[str, Any], bucket: Path) -> None:
    assert files(bucket, run, "pattern") == set()
    assert "Deleting 1 objects" in run["log"]


def test_a_missing_object_is_said(run: dict[str, Any]) -> None:
    assert "in/none.txt does not exist in bucket demo-ml" in run["log"]


def test_what_was_waited_for_is_offered(run: dict[str, Any]) -> None:
    assert "Resuming from trigger" in run["log"]
    assert run["tasks"]["late"]["xcom"] == ["late/one.txt"]


def test_the_child_run_has_the_parents_name(run: dict[str, Any]) -> None:
    assert run["tasks"]["child"]["triggered"] == f"real.child.{run['run_id']}"
