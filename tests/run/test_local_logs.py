"""`dagfactory logs` without `--env`: the files of a run that is over."""

from __future__ import annotations

import json

import pytest

from dagfactory.run.events import NotReadyError
from dagfactory.run.local_logs import LocalLogsOptions, local_logs
from dagfactory.run.records import Record, write

JOB = "projects/p/locations/r/trainingPipelines/1001"


def _logs(state, what):
    return local_logs(LocalLogsOptions(what, None, None, follow=True, state=state))


def test_the_newest_try_and_its_job_are_printed(tmp_path, capsys):
    write(tmp_path, Record("d", "r", "local", "c", state="failed"))
    folder = tmp_path / "logs/tasks/dag_id=d/run_id=r/task_id=search.trial/map_index=3"
    folder.mkdir(parents=True)
    for name in ("attempt=2.log", "attempt=2.log.trigger.1.log", "attempt=10.log"):
        (folder / name).write_text(json.dumps({"level": "info", "event": f"{name} {JOB}"}) + "\n")
    pipeline = tmp_path / f"emulator/vertex/{JOB}.json"
    pipeline.parent.mkdir(parents=True)
    behind = {"trainingTaskMetadata": {"backingCustomJob": "projects/p/locations/r/customJobs/7"}}
    pipeline.write_text(json.dumps(behind))
    job = tmp_path / "emulator/jobs/7/attempt-1.log"
    job.parent.mkdir(parents=True)
    job.write_text("epoch 1\n")
    assert _logs(tmp_path, "search.trial[3]") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"INFO     attempt=10.log {JOB}",
        "  │ epoch 1",
    ]


def test_a_task_without_a_log_is_told(tmp_path):
    with pytest.raises(NotReadyError, match="has a log of a task `nothing`"):
        _logs(tmp_path, "nothing")
