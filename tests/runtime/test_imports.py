"""The package is cheap to import and stands alone under any name."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from pathlib import Path

import processes
import pytest
from lines import PYTHON

import dagfactory.runtime

PACKAGE = Path(dagfactory.runtime.__file__).parent
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
PURE = (
    "conditions",
    "exclusions",
    "expr",
    "grid",
    "jobspec",
    "labels",
    "manifest",
    "points",
    "ranking",
    "sampling",
    "traffic",
)
ALLOWED = (
    "airflow.providers.common.compat.sdk",
    "airflow.providers.standard",
    "airflow.triggers.base",
    "jinja2",  # Airflow's own: what it renders templates with
)


def top_level_imports(module):
    """Return (level, module) of every import outside functions."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""


@pytest.mark.parametrize("module", MODULES)
def test_only_the_standard_library_the_compat_layer_and_itself(module):
    for level, name in top_level_imports(module):
        standard = name.partition(".")[0] in sys.stdlib_module_names
        assert level == 1 or standard or name.startswith(ALLOWED), name
        assert not (module in PURE and "airflow" in name)


def test_nothing_of_the_compiler_is_used():
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("dagfactory")


PROGRAM = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
import airflow.providers.common.compat.sdk as sdk
sdk.BaseOperator, sdk.BaseBranchOperator
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module("dagfactory_runtime_0123." + name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_importing_every_module_loads_nothing_of_google(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "dagfactory_runtime_0123")
    done = processes.run(
        [PYTHON, "-c", PROGRAM, *MODULES],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "AIRFLOW_HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "dagfactory_runtime_0123.job" in loaded
    heavy = ("google", "googleapiclient", "grpc", "airflow.providers.google", "dagfactory.")
    assert [name for name in loaded if name.startswith(heavy)] == []
