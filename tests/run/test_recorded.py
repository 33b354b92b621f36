"""What a run leaves for `dagfactory results`: a record and a page, and never an exception."""

import pytest
from run_folders import RunFolder

from dagfactory.results.gather import gather, newest
from dagfactory.run.events import Failure, RunResult, TaskResult
from dagfactory.run.login import Login
from dagfactory.run.recorded import recorded
from dagfactory.run.records import Record, records, write


@pytest.fixture
def result(tmp_path):
    gate = {"passed": False, "reason": "0.5 >= 0.8 is false", "metrics": {"accuracy": 0.5}}
    instance = {"map_index": -1, "try_number": 2, "start_date": None, "end_date": None}
    return RunResult(
        dag_id="pipeline",
        run_id="manual__2026-01-01",
        state="failed",
        seconds=3.0,
        url="",
        login=Login("admin", "secret"),
        tasks=(TaskResult("good_enough", "gate", "success", 1, 0.1, value=gate),),
        failures=(
            Failure("search.trial[3]", None, ("Traceback", "   ValueError: no (/a/job.py:194)")),
        ),
        logs=tmp_path / "logs",
        objects=tmp_path / "emulator/gcs",
        instances=(
            {**instance, "task_id": "search.trial", "map_index": 3, "state": "failed"},
            {**instance, "task_id": "good_enough", "state": "success"},
        ),
    )


def test_a_run_leaves_its_record_and_its_page(result, tmp_path):
    folder = RunFolder(result.objects / "bucket/runs/pipeline/manual__2026-01-01")
    folder.metrics("train", accuracy=0.5)
    begun = Record("pipeline", result.run_id, "local", "c", digests={"train": "1"})
    write(tmp_path, begun)
    (line,) = recorded(result, tmp_path)
    path = tmp_path / "results/pipeline/manual__2026-01-01.html"
    assert line == f"  results    {path}"
    every = [path, *(tmp_path / "runs").rglob("*"), tmp_path / "runs"]
    assert [each for each in every if each.stat().st_mode & 0o077] == []
    assert "secret" not in path.read_text()
    (record,) = records(tmp_path)
    assert (record.state, record.command, record.digests) == ("failed", "c", {"train": "1"})
    run = gather(newest(tmp_path), tmp_path)
    assert (run.state, run.gates[0].values) == ("failed", {"accuracy": 0.5})
    told = [(each.name, each.tries, each.reason) for each in run.tasks]
    assert told == [("search.trial[3]", 2, "ValueError: no"), ("good_enough", 2, "")]


def test_a_run_without_a_folder_has_no_page(result, tmp_path):
    assert recorded(result, tmp_path) == []


def test_what_the_disk_refuses_is_a_line(result, tmp_path):
    RunFolder(result.objects / "bucket/runs/pipeline/manual__2026-01-01")
    (tmp_path / "results").write_text("a file where a folder should be")
    (line,) = recorded(result, tmp_path)
    assert line.startswith("  results    no page: ")
