"""What the emulator keeps between two lives, read by real clients of the second one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import processes
from processes import started

from dagfactory.emulator.client import start

CLIENT = """
import json, sys
import google.auth
from google.auth.transport.requests import AuthorizedSession
credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
session = AuthorizedSession(credentials)
location = "https://us-central1-aiplatform.googleapis.com/v1/projects/demo/locations/us-central1"
storage = "https://storage.googleapis.com"
def call(verb, url, **arguments):
    answer = session.request(verb, url, **arguments)
    answer.raise_for_status()
    return answer.json()
"""
WRITE = """
call("POST", f"{storage}/storage/v1/b", json={"name": "kept"})
upload = f"{storage}/upload/storage/v1/b/kept/o?uploadType=media&name=x"
made = call("POST", upload, data=b"1")
call("POST", f"{location}/models:upload", json={"model": {"displayName": "m"}})
call("POST", f"{location}/endpoints", json={"displayName": "e"})
print(made["generation"])
"""
READ = """
call("POST", f"{location}/endpoints", json={"displayName": "second"})
print(json.dumps([
    call("GET", f"{storage}/storage/v1/b/kept/o/x")["generation"],
    [model["displayName"] for model in call("GET", f"{location}/models")["models"]],
    [each["displayName"] for each in call("GET", f"{location}/endpoints")["endpoints"]],
    len({each["name"] for each in call("GET", f"{location}/endpoints")["endpoints"]}),
]))
"""


def run(emulator, code):
    command = [sys.executable, "-W", "ignore", "-c", CLIENT + code]
    shown = processes.run(
        command, env=emulator.environ(), capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def launch(state, **variables):
    command = [sys.executable, "-m", "dagfactory.emulator", "--state", str(state)]
    return started(
        [*command, "--secret-from", "wandb=WANDB_API_KEY"],
        limit=60,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_secret_comes_from_a_variable_that_no_list_of_processes_shows(tmp_path):
    with launch(tmp_path, WANDB_API_KEY="the=value") as emulator:
        assert emulator.stdout.readline().startswith("{")
        kept = tmp_path / "secrets/wandb"
        shown = Path(f"/proc/{emulator.pid}/cmdline").read_bytes()
        value, mode = kept.read_text(), kept.stat().st_mode
        emulator.terminate()
        emulator.wait(60)
    assert (value, mode & 0o077) == ("the=value", 0)
    assert not kept.exists()
    assert b"wandb" in shown
    assert b"the=value" not in shown


def test_a_variable_that_is_not_set_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with launch(tmp_path) as emulator:
        assert "the variable WANDB_API_KEY is not set" in emulator.communicate(timeout=60)[1]
    assert emulator.returncode == 2


def test_objects_models_and_endpoints_outlive_the_emulator(tmp_path):
    with start(tmp_path) as first:
        generation = run(first, WRITE)
    with start(tmp_path) as second:
        assert run(second, READ) == [str(generation), ["m"], ["second", "e"], 2]


def test_a_damaged_file_costs_that_resource_only(tmp_path):
    with start(tmp_path) as first:
        run(first, WRITE)
    (model,) = (tmp_path / "vertex").rglob("models/*@1.json")
    model.write_text("{")
    with start(tmp_path) as second:
        assert second.process.poll() is None
    assert f"{model} is ignored" in (tmp_path / "emulator.log").read_text()


RUN = """
def ended(*command):
    container = {"imageUri": "gcr.io/demo/trainer:1", "command": command, "args": ["--lr=0.1"]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1, "containerSpec": container}
    body = {"displayName": "x", "jobSpec": {"workerPoolSpecs": [pool]}}
    name = call("POST", f"{location}/customJobs", json=body)["name"]
    url = location.split("/projects/")[0] + "/" + name
    while not (job := call("GET", url)).get("endTime"):
        pass
    return job["state"], name.split("/")[-1]
print(json.dumps([ended(), ended("./own.sh")]))
"""


def test_entrypoints_and_the_working_directory(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    script = folder / "own.sh"
    script.write_text("#!/bin/sh\necho own $PWD $1\n")
    script.chmod(0o755)
    images = {"*/other:*": "false", "*/trainer:*": "echo 'from the' image"}
    with start(tmp_path / "state", entrypoints=images, workdir=folder) as emulator:
        (first, first_id), (second, second_id) = run(emulator, RUN)
    logs = [tmp_path / f"state/jobs/{job}/attempt-1.log" for job in (first_id, second_id)]
    assert (first, second) == ("JOB_STATE_SUCCEEDED", "JOB_STATE_SUCCEEDED")
    assert [log.read_text() for log in logs] == [
        "from the image --lr=0.1\n",
        f"own {folder} --lr=0.1\n",
    ]
