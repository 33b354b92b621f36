"""The role that `composer` renders is enough for a run, and nothing in it is too much.

The emulator gives just the permissions of the role: a pipeline with the kinds of calls of the flagship
passes, and fails as soon as one of them is missing. `make long` takes each one away; otherwise one is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from size import sampled

from dagfactory.catalogue.permissions import permissions
from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.composer.command import plans_for
from dagfactory.composer.needs import needs
from dagfactory.emulator.permissions import write_permissions
from dagfactory.run.execute import AirflowSession, RunOptions, session
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ENVIRONMENT = """
environment: local
project: demo-live
region: us-central1
bucket: gs://demo-live-runs
dags: dags/ml
service_account: jobs@demo-live.iam.gserviceaccount.com
composer: ml
"""

# the models of two runs must not find each other
SPEC = """
pipeline: permissions
schedule: null
params: {name: {type: string, default: first}}
defaults:
  image: us-docker.pkg.dev/demo-live/ml/own:1
  machine: {type: n1-standard-4}
  retries: {attempts: 0}
  poll: 1s
tasks:
  train:
    type: train
    machine: {type: n1-standard-4, provisioning: spot}
    secrets: {TOKEN: wandb-api-key}
  sweep:
    type: sweep
    metric: {name: accuracy, goal: maximize}
    method: grid
    parameters: {rate: {values: [1, 2]}}
    after: [train]
  checkpoint_ok:
    type: validate_checkpoint
    checkpoint: ${tasks.train.model_dir}
    after: [sweep]
  decide:
    type: gate
    metrics: ${tasks.train.metrics}
    when: accuracy > 0.5
    then: [register]
    after: [checkpoint_ok]
  register:
    type: upload_model
    artifact: ${tasks.train.model_dir}
    name: "{{ params.name }}"
    serving: {image: "us-docker.pkg.dev/demo-live/ml/serve:1"}
    aliases: [staging]
  deploy: {type: deploy, model: "${tasks.register.model}", endpoint: "{{ params.name }}"}
"""

PROGRAM = """
import json, os, struct
import google.auth
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage

session = AuthorizedSession(google.auth.default()[0])
for name in json.loads(os.environ.get("DAGFACTORY_SECRETS", "{}")).values():
    answer = session.get(f"https://secretmanager.googleapis.com/v1/{name}:access")
    answer.raise_for_status()
bucket, _, folder = os.environ["AIP_MODEL_DIR"].removeprefix("gs://").partition("/")
header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
state = {"global_step": 1, "max_steps": 1, "log_history": [{"loss": 0.1, "step": 1}]}
metrics = {"schema_version": 1, "metrics": {"accuracy": 0.9}, "step": 1, "complete": True}
files = {
    "metrics.json": json.dumps(metrics),
    "checkpoint-1/trainer_state.json": json.dumps(state),
    "checkpoint-1/model.safetensors": struct.pack("<Q", len(header)) + header + bytes(4),
}
for name, content in files.items():
    storage.Client().bucket(bucket).blob(f"{folder.rstrip('/')}/{name}").upload_from_string(content)
"""


@dataclass
class Live:
    """A running Airflow, the emulator's folder, and the permissions of the role."""

    running: AirflowSession
    emulator: Path
    role: frozenset[str]
    count: int = 0

    def outcome(self, given: frozenset[str]) -> str:
        """Run the pipeline once, with these permissions; return how it ended."""
        self.count += 1
        write_permissions(self.emulator, given)
        run = self.running.start("permissions", {"name": f"run-{self.count}"})
        return run.complete(240).state


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "specs/environments").mkdir(parents=True)
    (folder / "specs/environments/local.yaml").write_text(ENVIRONMENT)
    (folder / "specs/permissions.yaml").write_text(SPEC)
    (folder / "own.py").write_text(PROGRAM)
    paths = [folder / "specs/permissions.yaml"]
    built = build(paths, "local")
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags/ml")
    given = ["--project", "demo-live", "--secret", "wandb-api-key=x"]
    given += ["--bucket", "demo-live-runs=us-central1"]
    given += ["--entrypoint", f"*ml/own:1={sys.executable} {folder / 'own.py'}"]
    state = StateFolders(folder / "state")
    found = permissions(needs(*plans_for(paths, "local")).kinds)
    role = frozenset(each.name for each in found if each.when in ("each", "first"))
    options = RunOptions(emulator=given)
    with session(folder / "dags", state=state, options=options, on_event=print) as running:
        yield Live(running, state.emulator, role)


NEEDED = sorted(
    each.name
    for each in permissions(("train", "upload_model", "deploy", "objects", "secrets"))
    if each.when in ("each", "first")
)


def test_the_role_is_enough(live: Live) -> None:
    assert sorted(live.role) == NEEDED
    assert live.outcome(live.role) == "success"


@pytest.mark.parametrize("permission", sampled(NEEDED, 1))
def test_without_one_of_them_the_run_fails(permission: str, live: Live) -> None:
    assert live.outcome(live.role - {permission}) == "failed"
