"""The logical date of a run of the clock on each line, and the end of its interval: when it was due."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import processes
import pytest
from lines import AIRFLOW_2

PROGRAM = Path(__file__).with_name("dates.py")


def first_runs(python: str, home: Path) -> list[list[str]]:
    """Return logical date, end of the interval and due time of the first run of three schedules."""
    settings = os.environ | {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    done = processes.run(
        [python, str(PROGRAM)], env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.airflow
def test_on_airflow_3_the_logical_date_is_when_a_run_was_due(tmp_path):
    for logical, end, due in first_runs(sys.executable, tmp_path):
        assert logical == end == due


@pytest.mark.airflow2
def test_on_airflow_2_it_is_when_the_interval_began(tmp_path):
    for logical, end, due in first_runs(str(AIRFLOW_2), tmp_path):
        assert logical < end == due
