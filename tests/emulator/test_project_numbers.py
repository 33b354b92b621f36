"""`--project-numbers`: answers name the project by its number, requests by either."""

import json
import sys

import processes

from dagfactory.emulator.client import start

CODE = """
import json
from google.cloud import aiplatform_v1 as v1
options = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
parent = "projects/demo/locations/us-central1"
jobs = v1.JobServiceClient(client_options=options)
models = v1.ModelServiceClient(client_options=options)
endpoints = v1.EndpointServiceClient(client_options=options)
asked = parent + "/models/1"
container = {"image_uri": "i", "command": ["true"], "args": [asked]}
pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1}
spec = {"worker_pool_specs": [pool | {"container_spec": container}]}
made = jobs.create_custom_job(parent=parent, custom_job={"display_name": "j", "job_spec": spec})
seen = jobs.get_custom_job(name=made.name)
listed = [each.name for each in jobs.list_custom_jobs(parent=parent)]
model = models.upload_model(parent=parent, model={"display_name": "m"}).result(timeout=60)
endpoint = endpoints.create_endpoint(parent=parent, endpoint={"display_name": "e"})
endpoint = endpoint.result(timeout=60)
deployed = endpoints.deploy_model(
    endpoint=endpoint.name, deployed_model={"model": model.model}, traffic_split={}
).result(timeout=60).deployed_model
print(json.dumps({
    "names": [made.name, seen.name, *listed, model.model, endpoint.name, deployed.model],
    "args": list(seen.job_spec.worker_pool_specs[0].container_spec.args),
}))
"""


def test_answers_have_numbers_and_requests_either(tmp_path):
    with start(tmp_path, arguments=["--project-numbers"]) as emulator:
        command = [sys.executable, "-W", "ignore", "-c", CODE]
        found = json.loads(processes.output(command, env=emulator.environ()))
    projects = {name.split("/")[1] for name in found["names"]}
    assert len(projects) == 1
    (number,) = projects
    assert number.isdigit()
    assert len(found["names"]) == 6
    # what the user wrote is the user's
    assert found["args"] == ["projects/demo/locations/us-central1/models/1"]
    assert list((tmp_path / "vertex/projects").iterdir()) == [tmp_path / "vertex/projects/demo"]
