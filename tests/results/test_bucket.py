"""A run's folder in Cloud Storage, by Google's own client against the emulator."""

import json
from pathlib import Path

import pytest
from processes import wait_until
from run_folders import RunFolder, drawn_trials

from dagfactory.__main__ import run
from dagfactory.results import reading
from dagfactory.results.bucket import StorageError
from dagfactory.results.folder import NoRunError
from dagfactory.results.gather import gather
from dagfactory.runtime import jobspec, labels

# google-auth leaves open its look-up of a regional boundary (a thread)
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")

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


@pytest.fixture
def launched(bucket):
    """A function that runs a job of Vertex AI to its end, which writes to a folder."""
    from dagfactory.rest.google_client import GoogleClient

    assert bucket
    parent = "https://us-central1-aiplatform.googleapis.com/v1/"
    names = ("pipeline", "search.trial", "wednesday", 0)

    def launch(address):
        machine = {"machineType": "n1-standard-4"}
        container = {"imageUri": "trainer", "command": ["true"], "args": ["--lr=0.5"]}
        pool = {"machineSpec": machine, "replicaCount": 1, "containerSpec": container}
        job = {"workerPoolSpecs": [pool], "scheduling": {"strategy": "SPOT"}}
        job["baseOutputDirectory"] = {"outputUriPrefix": address}
        body = jobspec.pipeline(labels.display_name(*names), job, labels.task_labels(*names))
        with GoogleClient() as google:
            place = f"{parent}projects/demo/locations/us-central1/trainingPipelines"
            name = google.post(place, body)["name"]
            wait_until(lambda: "endTime" in google.get(f"{parent}{name}"))

    return launch


def test_it_reads_as_a_folder_does(bucket):
    folder = RunFolder(bucket / "runs/pipeline/monday")
    folder.sweep("search", drawn_trials(5))
    folder.curve("search/0000000001", [{"step": n, "loss": 1 / n} for n in range(1, 5)])
    folder.metrics("train", accuracy=0.9)
    RunFolder(bucket / "runs/pipeline/monday-2").metrics("train", accuracy=0.1)
    here = gather(str(folder.path), NOWHERE)
    there = gather("gs://team-ml/runs/pipeline/monday/", NOWHERE)
    assert there.experiments == here.experiments
    assert there.experiments[0].trials[0].files == here.experiments[0].trials[0].files
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


def test_the_jobs_of_its_project_are_asked_for(bucket, launched, tmp_path, monkeypatch, capsys):
    folder = RunFolder(bucket / "runs/pipeline/wednesday")
    folder.metrics("search/abc", accuracy=0.9)
    folder.metrics("search/def", accuracy=0.8)
    launched("gs://team-ml/runs/pipeline/wednesday/search/abc")
    launched("gs://team-ml/runs/pipeline/thursday/search/abc")
    (tmp_path / "specs/environments").mkdir(parents=True)
    place = "environment: here\nproject: demo\nregion: us-central1\nbucket: gs://team-ml\n"
    (tmp_path / "specs/environments/here.yaml").write_text(place)
    monkeypatch.chdir(tmp_path)
    arguments = ["results", "gs://team-ml/runs/pipeline/wednesday", "--format", "json"]
    assert run([*arguments, "--env", "here"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    (job,) = found["jobs"]
    assert (job["state"], job["provisioning"], job["usd"]) == ("succeeded", "spot", found["usd"])
    best = found["experiments"][0]["trials"][0]
    assert (best["name"], best["parameters"], best["usd"]) == ("abc", {"lr": 0.5}, job["usd"])
    assert run(arguments) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["jobs"] == []
