"""The flagship for Airflow 2: its golden files, and where they differ from those for Airflow 3."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from lines import specs_for
from paths import ROOT, TESTS

from dagfactory.compiler.compile import build

GOLDEN = TESTS / "golden/airflow2"
RUNTIME = re.compile(r"dagfactory_runtime_[0-9a-f]{12}")


def rendered(specs: Path, environment: str) -> str:
    built = build([specs / "arr_coc.yaml"], environment)
    assert built.bundle, built.diagnostics
    return RUNTIME.sub("dagfactory_runtime_HASH", built.bundle.dags["arr_coc.py"])


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_rendered_files_are_the_golden_ones(environment: str, tmp_path: Path) -> None:
    text = rendered(specs_for("airflow2", tmp_path), environment)
    path = GOLDEN / environment / "arr_coc.py"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "run `make golden`, and read the diff"


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_the_two_lines_differ_in_their_headers_only(environment: str, tmp_path: Path) -> None:
    """The differences that docs/decisions.md names: the target, and so the hash of the inputs."""
    old = rendered(specs_for("airflow2", tmp_path), environment).splitlines()
    new = rendered(ROOT / "specs", environment).splitlines()
    pairs = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    assert [re.sub(r"[0-9a-f]{64}", "HASH", one) for pair in pairs for one in pair] == [
        "# inputs sha256:HASH",
        "# inputs sha256:HASH",
        f"# target airflow2, environment {environment}",
        f"# target airflow3, environment {environment}",
    ]
