"""The project's own code on the path of a process: one version at a time, also of two bundles."""

from __future__ import annotations

import importlib
import os
import sys
import textwrap
from pathlib import Path

import processes
import pytest

from dagfactory.__main__ import run
from dagfactory.runtime.own_code import put_on_path


@pytest.fixture(autouse=True)
def _own_process(monkeypatch):
    """Let a test change the path and the modules of this process."""
    before = dict(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - set(before):
        del sys.modules[name]
    sys.modules.update(before)


def bundle(folder: Path, name: str, **modules: str) -> Path:
    """Write a folder of code whose modules are given by their names, `__` between parts."""
    for module, text in modules.items():
        path = folder / name / f"{module.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_two_versions_never_mix(tmp_path):
    first = bundle(
        tmp_path / "a",
        "dagfactory_code_a",
        our_team__fit="from our_team.rate import RATE",
        our_team__rate="RATE = 1",
        gone__old="",
    )
    second = bundle(
        tmp_path / "b",
        "dagfactory_code_b",
        our_team__fit="from our_team.rate import RATE",
        our_team__rate="RATE = 2",
    )
    for _ in range(2):
        put_on_path("dagfactory_code_a", first)
        assert importlib.import_module("our_team.fit").RATE == 1
        importlib.import_module("gone.old")
        put_on_path("dagfactory_code_b", second)
        assert importlib.import_module("our_team.fit").RATE == 2
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("gone.old")
    assert [each for each in sys.path if "dagfactory_code" in each] == [
        str(second / "dagfactory_code_b")
    ]


def test_a_module_of_the_same_version_is_imported_once(tmp_path):
    folder = bundle(tmp_path, "dagfactory_code_a", our_team__fit="")
    put_on_path("dagfactory_code_a", folder)
    first = importlib.import_module("our_team.fit")
    put_on_path("dagfactory_code_a", folder)
    assert importlib.import_module("our_team.fit") is first


def test_what_is_installed_under_the_same_name_is_not_taken(tmp_path):
    installed = bundle(tmp_path, "site", our_team__fit="WHOSE = 'installed'")
    sys.path.insert(0, str(installed / "site"))
    assert importlib.import_module("our_team.fit").WHOSE == "installed"
    bundle(tmp_path, "dagfactory_code_a", our_team__fit="WHOSE = 'ours'")
    put_on_path("dagfactory_code_a", tmp_path)
    assert importlib.import_module("our_team.fit").WHOSE == "ours"


ENVIRONMENT = """\
environment: {name}
project: demo-project
region: us-central1
bucket: gs://demo-ml
dags: gs://demo-composer/dags/{name}
code: [our_team]
"""
SPEC = """\
pipeline: p
alerts: {on_failure: [{python: {callable: our_team.fit.page}}]}
tasks:
  fit: {type: python, callable: our_team.fit.run, args: {times: 2}}
"""
CODE = """\
def run(times):
    from our_team import rate
    return rate.RATE * times

def page(context):
    from our_team import rate
    context["told"].append(rate.RATE)
"""
BOTH = """
import importlib, json, sys
told = []
for name in ("one", "two", "one"):
    module = importlib.import_module(f"{name}.p")
    assert not [each for each in sys.modules if each.startswith("our_team") and not told]
    told.append(module.fit.execute({}))
    (alert,) = module.dag.default_args["on_failure_callback"]
    context = {"told": told}
    alert.send(alert.arguments, {}, context)
sys.stdout.write(json.dumps(told))
"""


@pytest.mark.airflow
def test_two_bundles_in_one_process_of_airflow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, rate in (("one", 1), ("two", 10)):
        bundle(tmp_path / name, "", our_team__fit=CODE, our_team__rate=f"RATE = {rate}")
        specs = tmp_path / name / "specs"
        (specs / "environments").mkdir(parents=True)
        (specs / "environments" / f"{name}.yaml").write_text(ENVIRONMENT.format(name=name))
        (specs / "p.yaml").write_text(SPEC)
        assert run(["render", str(specs), "--env", name, "--out", f"dags/{name}"]) == 0
    done = processes.run(
        [sys.executable, "-c", textwrap.dedent(BOTH)],
        cwd=tmp_path,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": "dags"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["[2, 1, 20, 10, 2, 1]"], done.stderr
