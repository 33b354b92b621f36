"""The queue of jobs: whatever goes wrong while a job is reported, it ends."""

import sys
import threading

from dagfactory.emulator.bigquery.object_files import written
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.jobs import mount
from dagfactory.emulator.jobs.local_job import LocalJob
from dagfactory.emulator.jobs.runner import Runner


def test_a_report_that_fails_fails_the_job(tmp_path):
    seen, ended = [], threading.Event()

    def report(state, outcome):
        if state == "SUCCEEDED":
            raise FileNotFoundError("no folder")
        seen.append((state, outcome and outcome.message))
        if state == "FAILED":
            ended.set()

    (tmp_path / "gcs").mkdir()
    runner = Runner(
        tmp_path,
        1,
        tmp_path,
        {"GCSFUSE_ROOT": str(tmp_path / "gcs")},
        Faults(tmp_path / "faults.json"),
    )
    runner.submit(job([sys.executable, "-c", "pass"]), report)
    assert ended.wait(60)
    runner.close()
    assert seen[-1] == ("FAILED", "emulator failure: no folder")


def job(command):
    return LocalJob(
        id="1",
        project="demo",
        region="us-central1",
        command=command,
        problem="",
        env={},
        spot=False,
        restarts=0,
        retries=0,
        timeout=None,
        max_wait=None,
        places=(),
        record={},
    )


def test_an_object_is_written_before_bigquery_was_ever_opened(tmp_path):
    (tmp_path / "gcs/bucket").mkdir(parents=True)
    scratch = tmp_path / "bigquery/scratch"
    with written(tmp_path / "gcs", "gs://bucket/out/x.jsonl", scratch) as path:
        path.write_text("1")
    assert (tmp_path / "gcs/bucket/out/x.jsonl").read_text() == "1"


def test_every_job_that_writes_to_the_machines_gcs_fails(tmp_path, monkeypatch):
    (tmp_path / "gcs").mkdir()
    # this system has namespaces, and nobody wants a real /gcs on it
    monkeypatch.setattr(mount, "is_possible", lambda _: False)
    monkeypatch.setattr(mount, "PLACE", tmp_path / "place")
    env = {"GCSFUSE_ROOT": str(tmp_path / "gcs")}
    runner = Runner(tmp_path, 1, tmp_path, env, Faults(tmp_path / "faults.json"))
    states = []
    for _ in range(2):
        ended = threading.Event()

        def report(state, outcome, ended=ended):
            if outcome:
                states.append(state)
                ended.set()

        runner.submit(job(["mkdir", str(tmp_path / "place")]), report)
        assert ended.wait(60)
    runner.close()
    assert states == ["FAILED", "FAILED"]
    assert not (tmp_path / "place").exists()
