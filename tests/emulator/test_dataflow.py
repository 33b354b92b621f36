"""Dataflow by REST and gRPC: launches from templates, states, what stands in for the work."""

import json
import sys

import processes
import pytest

from dagfactory.emulator.client import start

CLIENT = """
import json, sys, time
from googleapiclient.discovery import build
from google.cloud import dataflow_v1beta3 as dataflow
place = {"projectId": "demo", "location": "us-central1"}
locations = build("dataflow", "v1b3", static_discovery=True).projects().locations()
def flex(name, template):
    body = {"jobName": name, "containerSpecGcsPath": template, "parameters": {"out": "x y"}}
    call = locations.flexTemplates().launch(**place, body={"launchParameter": body})
    return call.execute()["job"]
def classic(name, template):
    body = {"jobName": name, "parameters": {"out": "x y"}, "environment": {"maxWorkers": 2}}
    call = locations.templates().launch(**place, gcsPath=template, body=body)
    return call.execute()["job"]
def get(job):
    return locations.jobs().get(**place, jobId=job["id"]).execute()
def ended(job):
    while (now := get(job))["currentState"] not in STATES:
        time.sleep(0.05)
    return now["currentState"]
STATES = ("JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")
def messages(job):
    found = locations.jobs().messages().list(**place, jobId=job["id"]).execute()
    return found["jobMessages"][0]["messageText"]
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    prints = f"{sys.executable} -c 'import sys; print(sys.argv[1:])'"
    entrypoints = {
        "gs://t/prints*": prints,
        "gs://t/fails": "python -c 'raise SystemExit(3)'",
        "gs://t/sleeps": "python -c 'import time; time.sleep(60)'",
    }
    with start(tmp_path_factory.mktemp("state"), entrypoints=entrypoints) as running:
        yield running


def run(emulator, code):
    command = [sys.executable, "-W", "ignore", "-c", CLIENT + code]
    shown = processes.run(
        command, env=emulator.environ(), capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


@pytest.mark.parametrize("kind", ["flex", "classic"])
def test_a_command_stands_in_for_a_template(emulator, kind):
    code = f"job = {kind}('a-{kind}', 'gs://t/prints.json'); print(json.dumps([ended(job), messages(job)]))"
    assert run(emulator, code) == ["JOB_STATE_DONE", "['--out=x y']"]


def test_without_one_the_job_succeeds_and_says_that_it_did_nothing(emulator):
    code = "job = flex('b', 'gs://t/other'); print(json.dumps([ended(job), messages(job)]))"
    state, said = run(emulator, code)
    assert state == "JOB_STATE_DONE"
    assert said.startswith("no command stands in for the template gs://t/other")
    assert "gs://t/other" in (emulator.state / "emulator.log").read_text()


def test_a_command_that_fails_fails_the_job(emulator):
    assert (
        run(emulator, "print(json.dumps(ended(classic('c', 'gs://t/fails'))))")
        == "JOB_STATE_FAILED"
    )


def test_a_name_is_taken_while_its_job_lives_and_a_job_can_be_cancelled(emulator):
    code = """
from googleapiclient.errors import HttpError
job = flex("d", "gs://t/sleeps")
try:
    flex("d", "gs://t/sleeps")
except HttpError as error:
    refused = error.status_code
body = {"requestedState": "JOB_STATE_CANCELLED"}
locations.jobs().update(**place, jobId=job["id"], body=body).execute()
state = ended(job)
again = flex("d", "gs://t/prints")["id"] != job["id"]
print(json.dumps([refused, state, again]))
"""
    assert run(emulator, code) == [409, "JOB_STATE_CANCELLED", True]


def test_grpc_tells_the_same(emulator):
    code = """
job = flex("e", "gs://t/prints")
ended(job)
client = dataflow.JobsV1Beta3Client()
request = dataflow.GetJobRequest(project_id="demo", location="us-central1", job_id=job["id"])
found = client.get_job(request)
listed = client.list_jobs(dataflow.ListJobsRequest(project_id="demo", location="us-central1"))
print(json.dumps([found.name, found.current_state.name, job["id"] in [each.id for each in listed]]))
"""
    assert run(emulator, code) == ["e", "JOB_STATE_DONE", True]


def test_a_job_of_an_emulator_that_was_killed_has_failed(tmp_path):
    sleeps = {"gs://t/sleeps": "python -c 'import time; time.sleep(60)'"}
    with start(tmp_path, entrypoints=sleeps) as first:
        job = run(first, "print(json.dumps(flex('f', 'gs://t/sleeps')))")
        first.process.kill()
    with start(tmp_path) as second:
        found = run(second, f"print(json.dumps(get({{'id': {job['id']!r}}})))")
    assert found["currentState"] == "JOB_STATE_FAILED"
