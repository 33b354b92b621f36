"""What DAGs cost a real `airflow dag-processor`: ours, empty operators, the provider's, dag-factory's.

Usage: python benchmarks/processor.py [DAGs] [further loops] [repeats] [arm …]

Each arm has the quickstart's four tasks and edges, once for each DAG. A processor of one loop and one of more
give the CPU of the first loop and of each further one, above a folder without DAGs; the arms take turns. The
provider's operators need about 10 s of CPU for each DAG and loop: name the other arms where DAGs are many.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from dag_factory import _environment
from parse import hollow

ROOT = Path(__file__).resolve().parents[1]
NO_DAG = "no DAG"
PROVIDER = """
from airflow.providers.google.cloud.operators.vertex_ai.custom_job import (
    CreateCustomContainerTrainingJobOperator,
)
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import BranchPythonOperator
from airflow.sdk import DAG
from pendulum import datetime


def choose():
    return "publish"


with DAG("NAME", schedule=None, start_date=datetime(2024, 1, 1), catchup=False):
    train = CreateCustomContainerTrainingJobOperator(
        task_id="train",
        project_id="arr-coc-prod",
        region="us-central1",
        display_name="train",
        container_uri="us-docker.pkg.dev/arr-coc-prod/ml/trainer:0.1.0",
        staging_bucket="arr-coc-prod-ml",
        machine_type="g2-standard-4",
        accelerator_type="NVIDIA_L4",
        accelerator_count=1,
        deferrable=True,
    )
    good_enough = BranchPythonOperator(task_id="good_enough", python_callable=choose)
    train >> good_enough >> [EmptyOperator(task_id="publish"), EmptyOperator(task_id="stop")]
"""
LOADER = """
from pathlib import Path

from dagfactory import load_yaml_dags

# Airflow looks for the words airflow and DAG in a file
load_yaml_dags(globals_dict=globals(), config_filepath=str(Path(__file__).with_suffix(".yaml")))
"""
THEIRS = """
NAME:
  default_args: {start_date: 2024-01-01}
  schedule: null
  catchup: false
  tasks:
    - {task_id: train, operator: &empty airflow.providers.standard.operators.empty.EmptyOperator}
    - {task_id: good_enough, operator: *empty, dependencies: [train]}
    - {task_id: publish, operator: *empty, dependencies: [good_enough]}
    - {task_id: stop, operator: *empty, dependencies: [good_enough]}
"""

Measure: TypeAlias = tuple[float, float, float]
"""CPU seconds of the first loop, of each further one, and MB of the largest process."""


def ours(dags: Path, count: int) -> None:
    """Render the quickstart and copy its DAG under names of its own."""
    source = _rendered(dags)
    text = source.read_text()
    source.unlink()
    _copies(text.replace('"quickstart"', '"NAME"'), source.parent, count)


def empty(dags: Path, count: int) -> None:
    """Write the same DAG with every operator an EmptyOperator."""
    with tempfile.TemporaryDirectory() as folder:
        text = hollow(_rendered(Path(folder)).read_text())
    _copies(text.replace("'quickstart'", "'NAME'"), dags, count)


def provider(dags: Path, count: int) -> None:
    """Write the DAG as somebody does by hand, with the provider's training job."""
    _copies(PROVIDER, dags, count)


def dag_factory(dags: Path, count: int) -> None:
    """Write dag-factory's YAML and loaders, with empty operators: what it adds by itself."""
    _copies(THEIRS, dags, count, ".yaml")
    _copies(LOADER, dags, count)


ARMS: dict[str, Callable[[Path, int], None]] = {
    NO_DAG: lambda _dags, _count: None,
    "empty": empty,
    "ours": ours,
    "dag-factory": dag_factory,
    "provider": provider,
}


def _rendered(dags: Path) -> Path:
    command = [sys.executable, "-m", "dagfactory", "render", "specs/quickstart.yaml"]
    target = dags / "ml_pipelines"
    subprocess.run(
        [*command, "--env", "prod", "--out", target], cwd=ROOT, check=True, capture_output=True
    )
    return target / "quickstart.py"


def _copies(text: str, folder: Path, count: int, suffix: str = ".py") -> None:
    for index in range(count):
        name = f"dag_{index}"
        (folder / f"{name}{suffix}").write_text(text.replace("NAME", name))


def processor(python: Path, home: Path, loops: int) -> tuple[float, float]:
    """Return the CPU seconds of a dag-processor, children included, and MB of its largest process."""
    command = [python, "-m", "airflow", "dag-processor", "--num-runs", str(loops)]
    with (home / "log").open("w") as log:
        started = subprocess.Popen(
            command, env=_settings(home), cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode or "Traceback" in (home / "log").read_text():
        raise SystemExit((home / "log").read_text()[-3000:])
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _settings(home: Path) -> dict[str, str]:
    return os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "0",
        "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": "",
        "PYTHONWARNINGS": "ignore",
    }


def measure(python: Path, home: Path, further: int, count: int) -> Measure:
    """Run a processor of one loop and one of more; stop where a DAG did not come of it."""
    first, _ = processor(python, home, 1)
    whole, memory = processor(python, home, 1 + further)
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        (found,) = database.execute("SELECT count(DISTINCT dag_id) FROM serialized_dag").fetchone()
    if found != count:
        raise SystemExit(f"{home.name}: {found} DAGs of {count}")
    return first, (whole - first) / further, memory


def prepared(home: Path, arm: str, count: int) -> None:
    """Make the home of an arm: its database and its DAGs."""
    (home / "dags").mkdir(parents=True)
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=_settings(home), cwd=home, check=True, capture_output=True)
    ARMS[arm](home / "dags", count)


def report(samples: dict[str, list[Measure]]) -> None:
    """Print the median of each arm, and the CPU above no DAG as a ratio to empty operators."""
    medians = {
        arm: tuple(map(statistics.median, zip(*each, strict=True))) for arm, each in samples.items()
    }
    print(f"{'':12}{'first loop':>12}{'ratio':>8}{'further loop':>14}{'ratio':>8}{'MB':>7}")
    base, plain = medians[NO_DAG], medians["empty"]
    for arm, (first, each, memory) in medians.items():
        ratios = (first - base[0]) / (plain[0] - base[0]), (each - base[1]) / (plain[1] - base[1])
        print(f"{arm:12}{first:10.2f} s{ratios[0]:8.2f}{each:12.2f} s{ratios[1]:8.2f}{memory:7.0f}")


def main(count: int, further: int, repeats: int, *arms: str) -> None:
    """Measure the arms in turn and print them."""
    chosen = [NO_DAG, "empty", *(each for each in arms or ARMS if each not in (NO_DAG, "empty"))]
    samples: dict[str, list[Measure]] = {arm: [] for arm in chosen}
    with tempfile.TemporaryDirectory() as name:
        for arm in chosen:
            prepared(Path(name, arm), arm, count)
        for _ in range(repeats):
            for arm in chosen:
                python, home = Path(sys.executable), Path(name, arm)
                if arm == "dag-factory":
                    folder = Path(tempfile.gettempdir(), "dagfactory-processor")
                    python = _environment(folder, sys.executable)
                samples[arm].append(measure(python, home, further, 0 if arm == NO_DAG else count))
    print(f"{count} DAGs of 4 tasks, CPU, median of {repeats}; ratios above no DAG, to empty")
    report(samples)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:4]]
    main(*(numbers + [10, 4, 1][len(numbers) :]), *sys.argv[4:])
