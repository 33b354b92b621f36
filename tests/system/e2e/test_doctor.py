"""`composer --apply` and `doctor` with a real Airflow and the emulator: one planted drift, one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
import pytest

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.composer.airflow_client import LOGIN, AirflowClient
from dagfactory.composer.command import plans_for
from dagfactory.composer.contents import apply, differences
from dagfactory.composer.doctor import examine
from dagfactory.emulator.client import READY_FILE
from dagfactory.emulator.permissions import PERMISSIONS_FILE, write_permissions
from dagfactory.run.execute import RunOptions, session
from dagfactory.run.state_folders import StateFolders

pytestmark = pytest.mark.e2e

SPEC = """
pipeline: {name}
alerts:
  on_failure: [{{slack: {{connection: slack_ml}}}}]
tasks:
  say: {{type: bash, command: "echo {{{{ var.value.limit }}}}", pool: gpu}}
  train:
    type: train
    image: us-docker.pkg.dev/demo-live/ml/trainer:1
    machine: {{type: n1-standard-4}}
    secrets: {{TOKEN: wandb-api-key}}
"""

ENVIRONMENT = """
environment: live
project: demo-live
region: us-central1
bucket: gs://demo-live-runs
dags: gs://demo-live-dags/dags/ml
pools: {{gpu: {{slots: 4, description: GPUs}}}}
airflow:
  url: http://127.0.0.1:{port}
  variables: {{threshold: "0.8", sizes: [1, 2]}}
  connections:
    hook: {{type: http, host: example.com, port: 443, schema: https, extra: {{timeout: 20}}}}
composer:
  name: ml-live
  image: composer-3-airflow-3.3.1
  size: small
  packages: {{pandas: "==2.3.1"}}
  env: {{TEAM: ml}}
  overrides: {{core-max_map_length: 10000}}
  workloads: {{worker: {{cpu: 2, memory_gb: 7.5, max_count: 6}}}}
"""

CONFIG = {
    "environmentSize": "ENVIRONMENT_SIZE_SMALL",
    "softwareConfig": {
        "imageVersion": "composer-3-airflow-3.3.1",
        "pypiPackages": {"pandas": "==2.3.1"},
        "envVariables": {"TEAM": "ml"},
        "airflowConfigOverrides": {"core-max_map_length": "10000"},
    },
    "workloadsConfig": {"worker": {"cpu": 2, "memoryGb": 7.5, "maxCount": 6}},
}


@dataclass
class Live:
    """A live environment: what is asked, and where to plant what is wrong."""

    folder: Path
    state: Path
    client: AirflowClient

    def lines(self, *, more: bool = False, **changes: Any) -> list[tuple[bool, str]]:
        """Return what doctor says; `changes` are to the environment's file, `more` adds a spec."""
        paths = [self.folder / "specs/p.yaml", *([self.folder / "specs/q.yaml"] * more)]
        plans, environment = plans_for(paths, "live")
        found = examine(plans, environment.model_copy(update=changes))
        return [(line.is_good, line.text) for _, line in found]

    def composer(self, change: Callable[[dict[str, Any]], Any]) -> None:
        whole = json.loads(json.dumps({"config": CONFIG}))
        change(whole)
        (self.state / "composer/ml-live.json").write_text(json.dumps(whole))

    def remove(self, *path: str) -> None:
        self.client.write("DELETE", *path, body={})

    def set(self, kind: str, key: str, /, **fields: Any) -> None:
        self.client.write("PATCH", kind, key, body=fields)

    def repair(self) -> None:
        _, environment = plans_for([self.folder / "specs/p.yaml"], "live")
        apply(self.client, differences(self.client, environment))
        self.composer(lambda _: None)
        for name in ("airflow-connections-slack_ml", "airflow-variables-limit", "wandb-api-key"):
            (self.state / "secrets" / name).write_text("x")
        for name in ("demo-live-runs", "demo-live-dags"):
            (self.state / "gcs" / name).mkdir(exist_ok=True)
            (self.state / "gcs-side/b" / f"{name}.json").unlink(missing_ok=True)
        (self.state / PERMISSIONS_FILE).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "specs/environments").mkdir(parents=True)
    for name in ("p", "q"):
        (folder / f"specs/{name}.yaml").write_text(SPEC.format(name=name))
    file = folder / "specs/environments/live.yaml"
    file.write_text(ENVIRONMENT.format(port=1))
    built = build([folder / "specs/p.yaml"], "live")
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags/ml")
    state = StateFolders(folder / "state")
    options = RunOptions(emulator=["--project", "demo-live"])
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        # seconds after which Airflow looks for new files
        patch.setenv("AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL", "5")
        running = stack.enter_context(
            session(folder / "dags", state=state, options=options, on_event=print)
        )
        api = running.airflow.api
        file.write_text(ENVIRONMENT.format(port=api.port))
        ready = state.emulator / READY_FILE
        processes.wait_until(ready.exists, seconds=60)
        for name, value in json.loads(ready.read_text())["env"].items():
            patch.setenv(name, value)
        patch.setenv(LOGIN, f"{api.login.username}:{api.login.password}")
        for name in ("composer", "secrets", "gcs"):
            (state.emulator / name).mkdir(exist_ok=True)
        made = Live(folder, state.emulator, AirflowClient(api.url))
        made.repair()
        processes.wait_until(lambda: made.client.find("dags", "p"), seconds=120)
        yield made


def test_applying_twice_changes_nothing_the_second_time(live: Live) -> None:
    live.remove("pools", "gpu")
    live.set("connections", "hook", connection_id="hook", conn_type="http", host="wrong.example")
    command = [
        sys.executable,
        "-m",
        "dagfactory",
        "composer",
        "specs/p.yaml",
        "--env",
        "live",
        "--apply",
    ]
    first = processes.run(command, cwd=live.folder, capture_output=True, text=True)
    assert first.stdout.splitlines() == ["+ pool gpu", "~ connection hook: host"], first.stderr
    second = processes.run(command, cwd=live.folder, capture_output=True, text=True)
    assert (second.returncode, second.stdout) == (0, "")
    assert second.stderr.endswith("nothing to change\n")


def test_nothing_is_wrong_with_a_good_one(live: Live) -> None:
    live.repair()
    found = live.lines()
    assert [text for good, text in found if not good] == []
    assert len(found) > 20


def _location(live: Live) -> None:
    resource = {"name": "demo-live-runs", "location": "EUROPE-WEST4", "metageneration": "1"}
    (live.state / "gcs-side/b/demo-live-runs.json").write_text(json.dumps(resource))


def _denied(live: Live) -> None:
    write_permissions(live.state, ["composer.environments.get", "secretmanager.versions.get"])


def _secret(name: str) -> Callable[[Live], None]:
    return lambda live: (live.state / "secrets" / name).unlink()


def _bucket(name: str) -> Callable[[Live], None]:
    return lambda live: (live.state / "gcs" / name).rmdir()


def _config(*path: str, value: Any) -> Callable[[Live], None]:
    def change(whole: dict[str, Any]) -> None:
        for key in path[:-1]:
            whole = whole[key]
        whole[path[-1]] = value

    return lambda live: live.composer(change)


SOFTWARE = ("config", "softwareConfig")
WORKER = ("config", "workloadsConfig", "worker")
POOL = {"pool": "gpu", "slots": 4, "description": "GPUs", "include_deferred": True}
HOOK = {"connection_id": "hook", "conn_type": "http", "host": "example.com", "port": 443}

DRIFTS: dict[str, Callable[[Live], None]] = {
    "pool gpu is not there": lambda live: live.remove("pools", "gpu"),
    "pool gpu differs: slots": lambda live: live.set("pools", "gpu", **POOL | {"slots": 3}),
    "pool gpu differs: description": lambda live: live.set(
        "pools", "gpu", **POOL | {"description": "x"}
    ),
    "pool gpu differs: include_deferred": lambda live: live.set(
        "pools", "gpu", **POOL | {"include_deferred": False}
    ),
    "variable threshold is not there": lambda live: live.remove("variables", "threshold"),
    "variable threshold differs: value": lambda live: live.set(
        "variables", "threshold", key="threshold", value="0.9"
    ),
    "variable sizes differs: value": lambda live: live.set(
        "variables", "sizes", key="sizes", value="[2, 1]"
    ),
    "connection hook is not there": lambda live: live.remove("connections", "hook"),
    "connection hook differs: host": lambda live: live.set(
        "connections", "hook", **HOOK | {"host": "x", "schema": "https", "extra": '{"timeout": 20}'}
    ),
    "connection hook differs: extra": lambda live: live.set(
        "connections", "hook", **HOOK, schema="https", extra='{"timeout": 30}'
    ),
    "connection slack_ml, which specs use, is nowhere": _secret("airflow-connections-slack_ml"),
    "variable limit, which specs use, is nowhere": _secret("airflow-variables-limit"),
    "secret wandb-api-key of demo-live has no version to read": _secret("wandb-api-key"),
    "bucket demo-live-runs is not there": _bucket("demo-live-runs"),
    "bucket demo-live-dags is not there": _bucket("demo-live-dags"),
    "bucket demo-live-runs is in EUROPE-WEST4, jobs in us-central1": _location,
    "storage.googleapis.com answered 403: Permission 'storage.buckets.get' denied": _denied,
    "image of Composer is 'composer-3-airflow-3.1.7'": _config(
        *SOFTWARE, "imageVersion", value="composer-3-airflow-3.1.7"
    ),
    "size of Composer is 'ENVIRONMENT_SIZE_LARGE'": _config(
        "config", "environmentSize", value="ENVIRONMENT_SIZE_LARGE"
    ),
    "package pandas of Composer is not set": _config(*SOFTWARE, "pypiPackages", value={}),
    "package pandas of Composer is '==1'": _config(
        *SOFTWARE, "pypiPackages", "pandas", value="==1"
    ),
    "variable TEAM of Composer is 'x'": _config(*SOFTWARE, "envVariables", "TEAM", value="x"),
    "option core-max_map_length of Composer is '1'": _config(
        *SOFTWARE, "airflowConfigOverrides", "core-max_map_length", value="1"
    ),
    "worker.maxCount of Composer is 3": _config(*WORKER, "maxCount", value=3),
    "Composer environment ml-live is ERROR": _config("state", value="ERROR"),
    "Composer environment ml-live is not there": lambda live: (
        live.state / "composer/ml-live.json"
    ).unlink(),
}


@pytest.mark.parametrize("expected", DRIFTS)
def test_a_drift_is_one_line_with_its_repair(expected: str, live: Live) -> None:
    live.repair()
    DRIFTS[expected](live)
    [found] = [text for good, text in live.lines() if not good]
    assert found.startswith(expected)


def test_a_pipeline_that_was_never_synced_is_missing(live: Live) -> None:
    live.repair()
    assert [text for good, text in live.lines(more=True) if not good] == ["DAG q is not there"]


def test_a_broken_file_is_found(live: Live) -> None:
    live.repair()
    file = live.folder / "dags/broken.py"
    file.write_text("# airflow DAG\nraise RuntimeError('planted')\n")
    processes.wait_until(lambda: live.client.get("importErrors")["import_errors"], seconds=120)
    [found] = [text for good, text in live.lines() if not good]
    assert "broken.py cannot be imported: RuntimeError: planted" in found
    file.unlink()
    processes.wait_until(lambda: not live.client.get("importErrors")["import_errors"], seconds=120)
