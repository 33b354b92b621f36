"""What the flagship costs a real `airflow dag-processor`, against the same DAG of EmptyOperators.

Both folders hold N copies of the DAG (own ids). The processor runs a given number of loops over each
folder in turn; its CPU (children included) is read from the operating system.
Usage: python benchmarks/parse.py [copies] [loops] [repeats]
"""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def rendered(folder: Path, environment: str = "prod") -> Path:
    """Render the flagship into a dags folder and return its DAG file."""
    target = folder / "dags/ml_pipelines"
    command = [sys.executable, "-m", "dagfactory", "render", "specs/arr_coc.yaml", "--env"]
    subprocess.run(
        [*command, environment, "--out", str(target)], cwd=ROOT, check=True, capture_output=True
    )
    return target / "arr_coc.py"


def hollow(text: str) -> str:
    """Return the same DAG with every operator an EmptyOperator: same ids, groups, edges, mapping."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        call = node.value
        if isinstance(call.func, ast.Attribute):
            call = call.func.value
        identifier = next(item for item in call.keywords if item.arg == "task_id")
        node.value = ast.Call(ast.Name("EmptyOperator"), [], [identifier])
    body = ast.unparse(ast.fix_missing_locations(tree))
    kept = [
        line
        for line in body.splitlines()
        if "dagfactory_runtime" not in line and line != "EmptyOperator"
    ]
    header = "from airflow.providers.standard.operators.empty import EmptyOperator\n"
    return header + "\n".join(
        line for line in kept if not line.startswith("from airflow.providers.standard")
    )


def copies(text: str, folder: Path, count: int) -> None:
    """Write a DAG file several times under ids of their own."""
    for index in range(count):
        named = re.sub(r'dag_id=(["\'])arr_coc\1', f'dag_id="arr_coc_{index}"', text)
        (folder / f"arr_coc_{index}.py").write_text(named)


def processor(home: Path, dags: Path, loops: int) -> float:
    """Return the CPU seconds of a dag-processor that loops over a folder."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "0",
        "PYTHONWARNINGS": "ignore",
    }
    airflow = str(Path(sys.executable).with_name("airflow"))
    if not (home / "airflow.db").exists():
        subprocess.run([airflow, "db", "migrate"], env=environment, check=True, capture_output=True)
    before = os.times()
    subprocess.run(
        [airflow, "dag-processor", "--num-runs", str(loops)],
        env=environment,
        check=True,
        capture_output=True,
    )
    after = os.times()
    return (
        after.children_user - before.children_user + after.children_system - before.children_system
    )


def main(count: int, loops: int, repeats: int) -> None:
    """Measure both folders in turn and print the CPU seconds and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = rendered(folder / "ours")
        text = source.read_text()
        source.unlink()
        copies(text, source.parent, count)
        plain = folder / "empty/dags/ml_pipelines"
        plain.mkdir(parents=True)
        copies(hollow(text), plain, count)
        figures: dict[str, list[float]] = {"ours": [], "empty": []}
        for _ in range(repeats):
            for side, samples in figures.items():
                samples.append(processor(folder / side, folder / side / "dags", loops))
        ours, empty = (statistics.median(samples) for samples in figures.values())
    print(f"{count} copies of the flagship, {loops} loops, median of {repeats}: CPU seconds")
    print(f"rendered {ours:.2f}   EmptyOperators {empty:.2f}   ratio {ours / empty:.2f}   bar 1.2")


if __name__ == "__main__":
    given = [int(item) for item in sys.argv[1:]]
    main(*(given + [10, 3, 3][len(given) :]))
