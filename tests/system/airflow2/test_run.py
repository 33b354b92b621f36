"""The flagship through Airflow 2.11.1's own scheduler, executor and triggerer, and the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import processes
import pytest
from lines import AIRFLOW_2, specs_for
from paths import ROOT

from dagfactory.run.airflow_install import VARIABLE, line_of
from dagfactory.run.events import NotReadyError
from dagfactory.run.settings import airflow_environment
from dagfactory.run.state_folders import StateFolders

SHOW = """
from airflow.configuration import conf
for section, known in conf.configuration_description.items():
    print(*[f"AIRFLOW__{section}__{option}".upper() for option in known["options"]])
"""


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(AIRFLOW_2))


@pytest.mark.airflow2
@pytest.mark.usefixtures("_installed")
def test_the_settings_are_ones_that_airflow_knows(tmp_path: Path) -> None:
    state = StateFolders(tmp_path, "airflow2")
    state.prepare()
    line = line_of("airflow2")
    known = processes.output(
        [line.python, "-c", SHOW],
        stderr=subprocess.DEVNULL,
        env={"AIRFLOW_HOME": str(tmp_path / "other"), "PATH": os.environ["PATH"]},
    )
    settings = airflow_environment(state, tmp_path, 1, line)
    ours = {name for name in settings if name.startswith("AIRFLOW__")}
    assert len(ours) > 20
    assert ours - set(known.split()) == set()
    assert settings["PATH"].startswith(str(AIRFLOW_2.parent))


def test_without_airflow_2_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for python, problem in (("/nowhere/python", "none at /nowhere"), (sys.executable, "has 3.")):
        monkeypatch.setenv(VARIABLE, python)
        with pytest.raises(NotReadyError, match=f"target airflow2 needs .*{problem}"):
            line_of("airflow2")


@pytest.fixture(scope="module")
def flagship(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Run the flagship with `dagfactory run`, in a project whose environments are for Airflow 2."""
    project = tmp_path_factory.mktemp("project")
    specs_for("airflow2", project)
    return processes.run(
        [sys.executable, "-m", "dagfactory", "run", "specs/arr_coc.yaml", "--timeout", "9m"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: str(AIRFLOW_2)},
        capture_output=True,
        text=True,
        check=False,
    )


def rows(summary: str) -> list[list[str]]:
    """Return the words of each row of the table that a summary begins with."""
    table = summary.strip().partition("\n\n")[0]
    return [row.split() for row in table.splitlines()[1:]]


@pytest.mark.airflow2
@pytest.mark.timeout(600)
def test_the_flagship_runs_from_end_to_end(flagship: subprocess.CompletedProcess[str]) -> None:
    assert flagship.returncode == 0, flagship.stderr + flagship.stdout
    states = {row[0]: row[1] for row in rows(flagship.stdout)}
    # sums round otherwise on another processor: there the same seeds end at .78 or at .91, and the
    # gate decides otherwise; what follows has to follow from what it says
    passed = "gate decide_deployment passed: " in flagship.stdout
    assert passed or "gate decide_deployment did not pass: accuracy (0." in flagship.stdout
    chosen, other = ("success", "skipped") if passed else ("skipped", "success")
    assert states.pop("log_experiment_only") == other
    assert {states.pop("register"), states.pop("deploy_staging")} == {chosen}
    assert set(states.values()) == {"success"}
    assert {"search.trial", "search.best", "train", "evaluate"} <= set(states)
    assert "best trial of 3: " in flagship.stdout
    assert ("registered projects/arr-coc-local/" in flagship.stdout) == passed
