"""`jobs` and `logs` against the emulator: what is listed, cancelled, shown, and what is said instead."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dagfactory.__main__ import run
from dagfactory.cost import vertex
from dagfactory.runtime import jobspec, labels

ENVIRONMENT = "environment: here\nproject: demo\nregion: us-central1\nbucket: gs://demo-ml\n"
SPEC = """
pipeline: p
tasks:
  train:
    type: train
    image: us-docker.pkg.dev/demo/ml/trainer:1
    machine: {type: n1-standard-4, provisioning: spot, fallback: [{region: us-east1}]}
"""
pytestmark = pytest.mark.usefixtures("_here")

RUN = "manual__2026-11-30T22:00:00+00:00"
Launch = Callable[..., str]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from dagfactory.emulator.client import start

    with start(tmp_path_factory.mktemp("emulator"), slots=4) as running:
        yield running


@pytest.fixture
def _here(emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in a project, with the credentials of the emulator."""
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/environments/here.yaml").write_text(ENVIRONMENT)
    (tmp_path / "specs/p.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    yield
    emulator.faults()


@pytest.fixture
def launch() -> Launch:
    """Return a function that launches a job as a task does, and returns its name."""
    from dagfactory.jobs.client import Client, _vertex

    client = Client("demo")

    def launched(code: str, task: str = "train", region: str = "us-central1", **own: Any) -> str:
        own = {"dag": "p", "run": RUN, "index": -1} | own
        container = {"imageUri": "trainer", "command": ["sh"], "args": ["-c", code]}
        gpu = {"acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 1}
        pool = {"machineSpec": {"machineType": "n1-standard-4", **gpu}, "replicaCount": 1}
        job = {"workerPoolSpecs": [pool | {"containerSpec": container}]}
        job["scheduling"] = {"strategy": "SPOT"}
        names = (own["dag"], task, own["run"], own["index"])
        body = jobspec.pipeline(labels.display_name(*names), job, labels.task_labels(*names))
        url = f"{_vertex(region)}/projects/demo/locations/{region}/trainingPipelines"
        return str(client._send("POST", url, json=body)["name"])

    return launched


@pytest.fixture
def ended() -> Callable[[str], dict[str, Any]]:
    from dagfactory.jobs.client import Client

    client = Client("demo")

    def wait(name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while not client.get(name).get("endTime"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return client.get(name)

    return wait


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    run(["jobs", "--env", "here", "--format", "json", *arguments])
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_live_jobs_are_listed_in_every_region_that_a_spec_names(launch, ended, capsys):
    over = launch("exit 0", dag="listed")
    live = launch("sleep 60", "search.trials", "us-east1", dag="listed", index=3)
    ended(over)
    (found,) = listed(capsys, "--pipeline", "listed")
    assert found.pop("since").startswith("20")
    assert found.pop("state") in ("QUEUED", "PENDING", "RUNNING")
    assert found == {
        "pipeline": "listed",
        "task": "search.trials[3]",
        "run": RUN,
        "machine": "n1-standard-4 + 1xNVIDIA_TESLA_T4",
        "provisioning": "spot",
        "region": "us-east1",
        "name": live,
        "live": True,
        "id": live.rpartition("/")[2],
    }
    every = listed(capsys, "--pipeline", "listed", "--all")
    assert {each["name"] for each in every} == {over, live}
    assert listed(capsys, "--pipeline", "listed", "--region", "us-central1") == []


def test_the_text_has_a_line_for_each_job(launch, capsys):
    launch("sleep 60", dag="text")
    assert run(["jobs", "--env", "here", "--pipeline", "text"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["STATE", "PIPELINE", "TASK", "RUN", "MACHINE"]
    assert f"text      train  {RUN}  n1-standard-4" in line


def test_the_live_jobs_of_a_run_are_cancelled_and_no_others(launch, ended, capsys):
    own, other = launch("sleep 60", dag="c"), launch("sleep 60", dag="c", run="another")
    assert run(["jobs", "--env", "here", "--run", RUN, "--pipeline", "c", "--cancel"]) == 0
    assert f"cancelled: train, job {own.rpartition('/')[2]}" in capsys.readouterr().err
    assert ended(own)["state"] == "PIPELINE_STATE_CANCELLED"
    (left,) = listed(capsys, "--pipeline", "c")
    assert left["name"] == other


def test_a_refusal_of_one_job_does_not_keep_the_others_running(emulator, launch, ended, capsys):
    names = {launch("sleep 60", dag="r"), launch("sleep 60", dag="r")}
    emulator.faults("error:400:1:CancelTrainingPipeline")
    assert run(["jobs", "--env", "here", "--pipeline", "r", "--cancel"]) == 4
    err = capsys.readouterr().err
    assert (err.count("not cancelled: train, job "), err.count("\ncancelled: train")) == (1, 1)
    # the other one is being cancelled for a while
    deadline = time.monotonic() + 60
    while len(left := listed(capsys, "--pipeline", "r")) > 1:
        assert time.monotonic() < deadline
    (other,) = names - {left[0]["name"]}
    assert ended(other)["state"] == "PIPELINE_STATE_CANCELLED"


def test_nothing_is_cancelled_without_saying_whose(capsys):
    assert run(["jobs", "--env", "here", "--cancel"]) == 2
    assert "--cancel without --pipeline or --run would end every job" in capsys.readouterr().err


def test_the_log_of_a_job_and_of_the_newest_job_of_a_task(launch, ended, capsys):
    first = launch("echo one; echo 'tw\033o' >&2; exit 0", "talks")
    ended(first)
    ended(launch("echo three", "talks"))
    assert run(["logs", first.rpartition("/")[2], "--env", "here"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [each[20:] for each in lines] == ["one", "tw<U+001B>o"]
    assert run(["logs", "talks", "--env", "here", "--pipeline", "p"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith(" three\n")
    assert "SUCCEEDED" in err


def test_a_log_is_followed_to_the_end_of_its_job(launch, capsys, monkeypatch):
    from dagfactory.jobs import log

    monkeypatch.setattr(log, "PAUSE", 0.2)
    monkeypatch.setattr(log, "LATE", 0.3)
    launch("echo one; sleep 1; echo two", "slow", index=1)
    assert run(["logs", "slow[1]", "-f", "--env", "here"]) == 0
    assert [each[20:] for each in capsys.readouterr().out.splitlines()] == ["one", "two"]


def test_an_entry_that_comes_late_is_asked_for_again():
    from dagfactory.jobs import log

    assert log._before("2026-11-30T22:01:00.123456789Z") == "2026-11-30T22:00:00.123456Z"
    assert log._before("2026-11-30T22:01:00Z") == "2026-11-30T22:00:00.000000Z"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["jobs", "--env", "her"], 2, "unknown environment `her`; did you mean `here`?"),
        (
            ["jobs", "--env", "here", "--pipeline", "none"],
            3,
            "no job of pipeline `none` that waits",
        ),
        (["logs", "nothing", "--env", "here"], 3, "no job of task `nothing` in demo, us-central1"),
        (["logs", "123456", "--env", "here"], 3, "no job `123456` in demo, us-central1"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(capsys, arguments, code, said):
    assert run(arguments) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"<html>Log in</html>", b"3"])
def test_an_answer_that_is_no_json_is_said_in_one_line(emulator, capsys, monkeypatch, content):
    from google.auth.transport.requests import AuthorizedSession
    from requests import Response

    page = Response()
    page.status_code, page._content = 200, content
    monkeypatch.setattr(AuthorizedSession, "request", lambda *_, **__: page)
    assert run(["jobs", "--env", "here"]) == 4
    assert "answered something that is not JSON" in capsys.readouterr().err
    with pytest.raises(vertex.RefusedError, match="answers with something that is not JSON"):
        list(vertex.jobs("demo", "us-central1", "p"))


def test_missing_credentials_and_refusals_are_said_in_one_line(emulator, capsys, monkeypatch):
    emulator.faults("error:403:9:ListTrainingPipelines")
    assert run(["jobs", "--env", "here"]) == 4
    assert "us-central1-aiplatform.googleapis.com: these credentials may" in capsys.readouterr().err
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert run(["jobs", "--env", "here"]) == 2
    assert "no Google credentials that work; run `gcloud auth" in capsys.readouterr().err
