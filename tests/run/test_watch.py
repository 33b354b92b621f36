"""Following a run: its end, also where somebody deletes what it needs."""

import math
from types import SimpleNamespace

import pytest

from dagfactory.run.events import RunError
from dagfactory.run.watch import Watcher


def test_a_run_whose_folder_is_gone_ends(tmp_path):
    # nothing else is asked for: Airflow itself would answer on, and start tasks for ever
    airflow = SimpleNamespace(processes=SimpleNamespace(logs=tmp_path / "gone"))
    watcher = Watcher(None, "p", "r", tmp_path, print)
    with pytest.raises(RunError, match="was deleted while the run needed it"):
        watcher.follow(airflow, math.inf)
