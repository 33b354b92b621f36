"""What the emulator keeps between two lives, read by real clients of the second one."""

import json
import subprocess
import sys

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
    shown = subprocess.run(
        command, env=emulator.environ(), capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


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
