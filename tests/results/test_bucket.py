"""A run's folder in Cloud Storage, by Google's own client against the emulator."""

from pathlib import Path

import pytest
from run_folders import RunFolder, drawn_trials

from dagfactory.results import reading
from dagfactory.results.bucket import StorageError
from dagfactory.results.folder import NoRunError
from dagfactory.results.gather import gather

NOWHERE = Path("/nonexistent")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    from dagfactory.emulator.client import start

    with start(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def bucket(emulator, monkeypatch):
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    return Path(emulator.env["GCSFUSE_ROOT"], "team-ml")


def test_it_reads_as_a_folder_does(bucket):
    folder = RunFolder(bucket / "runs/pipeline/monday")
    folder.sweep("search", drawn_trials(5))
    folder.curve("search/0000000001", [{"step": n, "loss": 1 / n} for n in range(1, 5)])
    folder.metrics("train", accuracy=0.9)
    RunFolder(bucket / "runs/pipeline/monday-2").metrics("train", accuracy=0.1)
    here = gather(str(folder.path), NOWHERE)
    there = gather("gs://team-ml/runs/pipeline/monday/", NOWHERE)
    assert there.experiments == here.experiments
    assert there.source == "gs://team-ml/runs/pipeline/monday"
    assert (there.pipeline, there.name, there.notes) == ("pipeline", "monday", ())


def test_only_the_first_bytes_of_a_large_file_are_asked_for(bucket, monkeypatch):
    monkeypatch.setattr(reading, "MOST_LINES", 1000)
    folder = RunFolder(bucket / "runs/pipeline/tuesday")
    folder.curve("train", [{"step": n, "loss": 1 / n} for n in range(1, 500)])
    run = gather("gs://team-ml/runs/pipeline/tuesday", NOWHERE)
    assert "only its first" in run.notes[0]
    assert len(run.experiments[0].trials[0].curves["loss"][0]) < 50


def test_a_bucket_that_is_not_there_is_one_line(bucket):
    assert bucket.parent.is_dir()
    with pytest.raises((StorageError, NoRunError)) as caught:
        gather("gs://nobodys-bucket/runs/a/b", NOWHERE)
    assert "\n" not in str(caught.value)
