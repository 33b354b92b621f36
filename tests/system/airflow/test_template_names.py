"""The names that templates are checked against are those of both lines, no more and no less."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import processes
import pytest
from jinja2.filters import FILTERS as JINJAS_FILTERS
from jinja2.tests import TESTS as JINJAS_TESTS
from lines import AIRFLOW_2

from dagfactory.catalogue.template_names import VARIABLES, names_of, template_names
from dagfactory.compiler.lint.asset_runs import MISSING
from dagfactory.compiler.lint.templates import FILTERS

PROGRAM = Path(__file__).with_name("template_names.py")


def airflow_says(python: str, home: Path) -> list[dict[str, list[str]]]:
    """Return the names of a run with a logical date, and of one without where there is such a thing."""
    (home / "dags").mkdir()
    program = shutil.copy(PROGRAM, home / "dags")
    settings = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    migrate = [python, "-m", "airflow", "db", "migrate"]
    processes.run(migrate, env=settings, check=True, capture_output=True, timeout=300)
    done = processes.run(
        [python, str(program)],
        env=settings, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("airflow3", sys.executable), marks=pytest.mark.airflow),
        pytest.param(("airflow2", str(AIRFLOW_2)), marks=pytest.mark.airflow2),
    ],
    ids=["airflow3", "airflow2"],
)
def line(request, tmp_path_factory):
    name, python = request.param
    return name, airflow_says(python, tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("owner", sorted(template_names()))
def test_the_names_are_those_of_the_line(line, owner):
    name, (found, *_) = line
    assert sorted(names_of(owner, name)) == found[owner]


def test_filters_and_tests_are_those_of_the_line(line):
    _, (found, *_) = line
    assert set(found["filters"]) == {*JINJAS_FILTERS, *FILTERS}
    assert set(found["tests"]) == set(JINJAS_TESTS)


def test_what_a_run_without_a_logical_date_lacks(line):
    name, runs = line
    if name == "airflow3":
        with_date, without = (set(each["context"]) for each in runs)
        assert with_date - without == set(MISSING)
    else:
        assert len(runs) == 1  # Airflow 2 gives every run one


def test_what_stands_for_a_name_is_there_on_the_other_line():
    names = template_names()
    for owner, members in names.items():
        for name, known in members.items():
            if known.instead:
                (missing,) = {"airflow2", "airflow3"} - known.lines
                first = known.instead.partition(" ")[0].partition("(")[0].split(".")
                assert missing in names[VARIABLES][first[0]].lines, (owner, name)
