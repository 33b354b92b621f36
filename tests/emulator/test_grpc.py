"""The same service over gRPC: generated clients, sync and aio, and the provider's trigger."""

import asyncio
import json
import os
import re

import pytest
from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import secretmanager_v1
from paths import ROOT
from processes import wait_until

ENDPOINT = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
PARENT = "projects/demo/locations/us-central1"


@pytest.fixture
def jobs():
    with v1.JobServiceClient(client_options=ENDPOINT) as client:
        yield client


def custom_job(code, **scheduling):
    container = v1.ContainerSpec(image_uri="trainer", command=["python"], args=["-c", code])
    pool = v1.WorkerPoolSpec(
        machine_spec=v1.MachineSpec(machine_type="n1-standard-4"),
        replica_count=1,
        container_spec=container,
    )
    spec = v1.CustomJobSpec(worker_pool_specs=[pool], scheduling=v1.Scheduling(**scheduling))
    return v1.CustomJob(display_name="job", job_spec=spec, labels={"made-by": "grpc"})


def test_what_rest_made_grpc_sees(create, reach):
    made = reach(create("pass", labels={"team": "ml"}))
    with v1.PipelineServiceClient(client_options=ENDPOINT) as client:
        seen = client.get_training_pipeline(name=made["name"])
    assert (seen.state.name, dict(seen.labels)) == ("PIPELINE_STATE_SUCCEEDED", {"team": "ml"})
    assert dict(seen.training_task_metadata) == made["trainingTaskMetadata"]


def test_custom_jobs(jobs, emulator):
    made = jobs.create_custom_job(
        parent=PARENT, custom_job=custom_job("import time; time.sleep(600)")
    )
    assert made.state in (v1.JobState.JOB_STATE_QUEUED, v1.JobState.JOB_STATE_PENDING)
    listed = jobs.list_custom_jobs(
        request={"parent": PARENT, "filter": 'labels.made-by="grpc"', "page_size": 1}
    )
    assert made.name in [job.name for job in listed]
    jobs.cancel_custom_job(name=made.name)
    cancelled = v1.JobState.JOB_STATE_CANCELLED
    wait_until(lambda: jobs.get_custom_job(name=made.name).state == cancelled)
    assert (emulator.state / "jobs" / made.name.rsplit("/", 1)[-1] / "job.json").exists()


def test_long_running_operations_are_polled_by_the_real_client():
    with v1.ModelServiceClient(client_options=ENDPOINT) as client:
        model = v1.Model(display_name="m", artifact_uri="gs://b/m")
        operation = client.upload_model(parent=PARENT, model=model)
        assert not operation._operation.done
        done = operation.result(timeout=30)
        assert client.get_model(name=f"{done.model}@{done.model_version_id}").display_name == "m"


def test_errors_are_the_exceptions_of_the_client(jobs, emulator):
    with pytest.raises(exceptions.NotFound):
        jobs.get_custom_job(name=f"{PARENT}/customJobs/1")
    with pytest.raises(exceptions.InvalidArgument, match="display_name"):
        jobs.create_custom_job(parent=PARENT, custom_job=v1.CustomJob())
    emulator.faults("error:429:1:CreateCustomJob")
    with pytest.raises(exceptions.ResourceExhausted):
        jobs.create_custom_job(parent=PARENT, custom_job=custom_job("pass"))


def test_secrets(emulator):
    emulator.secret("wandb-api-key", "hunter2")
    with secretmanager_v1.SecretManagerServiceClient() as client:
        name = "projects/demo/secrets/{}/versions/latest"
        answer = client.access_secret_version(name=name.format("wandb-api-key"))
        assert answer.payload.data == b"hunter2"
        assert answer.name == "projects/demo/secrets/wandb-api-key/versions/1"
        third = name.format("wandb-api-key").replace("latest", "3")
        assert client.access_secret_version(name=third).name == third
        with pytest.raises(exceptions.NotFound, match="not found or has no versions"):
            client.access_secret_version(name=name.format("none"))


def test_the_lines_that_the_docs_give_a_program_of_its_own_load_its_secrets(emulator, monkeypatch):
    page = (ROOT / "docs" / "images.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    emulator.secret("wandb-api-key", "hunter2")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    name = "projects/demo/secrets/wandb-api-key/versions/latest"
    monkeypatch.setenv("DAGFACTORY_SECRETS", json.dumps({"WANDB_API_KEY": name}))
    module = {}
    exec(code, module)  # noqa: S102 - the page's own lines
    module["load_secrets"]()
    assert os.environ.pop("WANDB_API_KEY") == "hunter2"


def test_secrets_by_rest_and_nothing_outside_of_their_folder(emulator):
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    emulator.secret("key", "välue")
    credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
    with AuthorizedSession(credentials) as session:
        base = "https://secretmanager.googleapis.com/v1/projects/demo/secrets"
        found = session.get(f"{base}/key/versions/latest:access").json()
        assert found["payload"]["data"] == "dsOkbHVl"
        for name in ("..%2Fcredentials.json", "..", "."):
            answer = session.get(f"{base}/{name}/versions/latest:access")
            assert answer.status_code in (404, 501)


def test_the_async_client_waits_for_a_pipeline(create):
    made = create("pass")

    async def wait():
        async with v1.PipelineServiceAsyncClient(client_options=ENDPOINT) as client:
            while True:
                seen = await client.get_training_pipeline(name=made["name"])
                if seen.state.name == "PIPELINE_STATE_SUCCEEDED":
                    return seen.name

    assert asyncio.run(asyncio.wait_for(wait(), 60)) == made["name"]


def test_what_is_not_served_says_so_and_where_the_list_is():
    endpoint = f"{PARENT}/endpoints/1"
    with (
        v1.PredictionServiceClient(client_options=ENDPOINT) as client,
        v1.DatasetServiceClient(client_options=ENDPOINT) as datasets,
    ):
        for call in (
            lambda: client.explain(endpoint=endpoint, instances=[]),
            lambda: list(client.stream_raw_predict(request={"endpoint": endpoint})),
            lambda: datasets.list_datasets(parent=PARENT),
        ):
            with pytest.raises(exceptions.MethodNotImplemented, match=r"in docs/emulator\.md"):
                call()
