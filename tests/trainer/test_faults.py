"""A reduced run of benchmarks/trainer_faults.py: nothing is lost, everything is noticed."""

import sys
from pathlib import Path

import processes
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def table():
    """What a small run prints, one row for each kind of fault."""
    script = str(BENCHMARKS / "trainer_faults.py")
    counts = ["--kills=12", "--uploads=12", "--stops=3", "--flips=100"]
    done = processes.run(
        [sys.executable, script, *counts], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split(maxsplit=1) for line in done.stdout.splitlines()[1:-1]]
    return {
        title: dict(cell.rsplit(": ", 1) for cell in cells.split(", ")) for title, cells in rows
    }


@pytest.mark.parametrize("title", ["SIGKILL", "uploads"])
def test_no_acknowledged_step_is_lost_by_sigkill(title, table):
    found = table[title]
    assert int(found["killed"]) == 12
    assert found["resumed behind an acknowledged step"] == "0"
    assert found["other losses or model"] == "0"


def test_sigterm_saves_the_step(table):
    found = table["SIGTERM"]
    assert (found["stopped"], found["lost"], found["later than 20 s"]) == ("3", "0", "0")
    assert found["no checkpoint of the step or not 143"] == "0"


def test_all_damage_is_noticed(table):
    found = table["damage"]
    assert (found["flip"], found["truncate"], found["swap"], found["misshape"]) == (
        "100", "20", "5", "5",
    )  # fmt: skip
    assert (found["undetected"], found["unclear"]) == ("0", "0")


def test_a_hostile_checkpoint_runs_nothing(table):
    found = table["hostile"]
    names = ("executed", "undetected", "unclear", "other losses or model", "over 1 GB")
    assert [found[name] for name in names] == ["0"] * 5
    assert found["checkpoints"] == "21"
