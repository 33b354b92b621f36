"""The specs of tests/system/features, rendered for the Airflow line under test."""

from __future__ import annotations

from pathlib import Path

from lines import AIRFLOW_2, PYTHON
from paths import TESTS

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.project.specs import find_specs

ENVIRONMENT = """
environment: test
project: demo-project
region: us-central1
bucket: gs://demo-ml
target: {}
"""
TARGET = "airflow2" if Path(PYTHON) == AIRFLOW_2 else "airflow3"


def specs() -> dict[str, str]:
    """Return the text of each spec by its name."""
    folder = TESTS / "system/features/specs"
    return {path.stem: path.read_text() for path in folder.glob("*.yaml")}


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
