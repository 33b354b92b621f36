"""One emulator for all tests here; its environment is set while a test runs."""

import gc
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dagfactory.emulator.client import Emulator
from dagfactory.emulator.testing import shared

REGION = "us-central1"
PARENT = f"projects/demo/locations/{REGION}"
DEFINITION = "gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml"
L4 = {"machineType": "g2-standard-4", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1}
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pass what google-auth leaves open: its look-up of a regional boundary (a thread)."""
    left_open = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(left_open)


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    yield shared()
    with warnings.catch_warnings():  # the same, for what no test's end has collected
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(autouse=True)
def environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    yield
    emulator.faults()


@pytest.fixture
def vertex(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The real REST client, projects.locations."""
    import httplib2
    from googleapiclient.discovery import build

    # httplib2 reads HTTPLIB2_CA_CERTS when it is imported, which another test may have done
    monkeypatch.setattr(httplib2, "CA_CERTS", emulator.env["HTTPLIB2_CA_CERTS"])
    options = {"api_endpoint": f"https://{REGION}-aiplatform.googleapis.com"}
    with build("aiplatform", "v1", static_discovery=True, client_options=options) as service:
        yield service.projects().locations()


@pytest.fixture
def storage() -> Iterator[Any]:
    from google.cloud import storage

    client = storage.Client(project="demo")
    yield client
    client.close()


@pytest.fixture
def bucket(storage: Any) -> Any:
    return storage.create_bucket(f"bucket-{uuid4().hex[:12]}", location=REGION)


def inputs(code: str, interpreter: str, **scheduling: Any) -> dict[str, Any]:
    """A CustomJobSpec that runs a text of Python, or of another interpreter."""
    container = {"imageUri": "trainer", "command": [interpreter], "args": ["-c", code]}
    queued = scheduling.get("strategy") == "FLEX_START"
    pool = {
        "machineSpec": L4 if queued else {"machineType": "n1-standard-4"},
        "replicaCount": "1",
        "containerSpec": container,
    }
    return {
        "workerPoolSpecs": [pool],
        "scheduling": scheduling,
        "baseOutputDirectory": {"outputUriPrefix": "gs://demo-ml/runs/x"},
    }


@pytest.fixture
def create(vertex: Any) -> Callable[..., dict[str, Any]]:
    """Create a training pipeline that runs a text of Python, or of another interpreter."""

    def create(
        code: str,
        scheduling: dict[str, Any] | None = None,
        interpreter: str = "python",
        **fields: Any,
    ) -> Any:
        body = {
            "displayName": "train",
            "trainingTaskDefinition": DEFINITION,
            "trainingTaskInputs": inputs(code, interpreter, **(scheduling or {})),
            **fields,
        }
        return vertex.trainingPipelines().create(parent=PARENT, body=body).execute()

    return create


@pytest.fixture
def reach(vertex: Any) -> Callable[..., dict[str, Any]]:
    """Poll a pipeline until its state is one of those given (default: until it has ended)."""

    def reach(pipeline: dict[str, Any], *states: str) -> Any:
        wanted = [f"PIPELINE_STATE_{state}" for state in states or FINAL]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            now = vertex.trainingPipelines().get(name=pipeline["name"]).execute()
            if now["state"] in wanted:
                return now
            time.sleep(0.02)
        pytest.fail(f"{pipeline['name']} stayed {now['state']}")

    return reach
