"""What only the real scheduler shows: pools before the DAG, alerts of runs, deadlines, who may ask."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attacks import got_in
from inbox import Inbox, inbox
from lines import AIRFLOW_2, specs_for

from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.airflow_install import VARIABLE
from dagfactory.run.events import RunResult
from dagfactory.run.execute import RunOptions, execute
from dagfactory.run.prepare import prepare
from dagfactory.run.state_folders import StateFolders

SPEC = """\
pipeline: alarms
owner: ml-team
defaults: {retries: {attempts: 1, delay: 1s, backoff: fixed}, pool: gpu}
alerts:
  on_failure: [{slack: {connection: slack_ml, message: "${run.id} {{ alert.task }} {{ alert.error }}"}}]
  on_run_failure: [{webhook: {connection: ops_hook}}]
  deadline: {within: 2s, notify: [{pagerduty: {connection: pagerduty_ml}}]}
tasks:
  slow: {type: bash, command: sleep 25}
  fails: {type: bash, command: "echo no space left >&2; exit 3"}
  never: {type: empty, after: [slow, fails]}
"""
POOLS = "pools:\n  gpu: {slots: 2, description: Two GPUs}\n"


def run(folder: Path, letters: Inbox, target: str, monkeypatch: pytest.MonkeyPatch) -> tuple:
    """Run the spec on a line; wait, while Airflow is up, for what other processes send."""
    for name, value in letters.connections().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(VARIABLE, str(AIRFLOW_2))
    specs = specs_for(target, folder)
    local = specs / "environments/local.yaml"
    local.write_text(local.read_text().replace("pools:\n", POOLS))
    (specs / "alarms.yaml").write_text(SPEC)
    prepared = prepare(specs / "alarms.yaml", environment="local", into=folder / "dags")
    pools: list[dict] = []

    def hold(result: RunResult) -> None:
        paths = {"/ops", "/v2/enqueue"} if target == "airflow3" else {"/ops"}
        letters.wait(lambda: paths <= {each.path for each in letters.posts})
        version = "v2" if target == "airflow3" else "v1"
        api = AirflowApi(urlsplit(result.url).port or 0, result.login, version)
        assert api.answers()
        assert got_in(api.port, version, api._headers["Authorization"]) == {}
        pools.append(api.get("pools", "gpu"))

    options = RunOptions(target=target, emulator=None, timeout=200, hold=hold)
    state = StateFolders(folder / "state")
    result = execute(prepared.dags, "alarms", state=state, options=options, on_event=lambda _: None)
    return result, pools[0]


def check(folder, result, pool, letters, target):
    assert result.state == "failed"
    states = {task.task_id: task.state for task in result.tasks}
    assert states == {"slow": "success", "fails": "failed", "never": "upstream_failed"}
    assert (pool["slots"], pool["include_deferred"]) == (2, True)
    assert pool["description"] == "Two GPUs"
    (failure,) = [each.body for each in letters.posts if each.path.startswith("/hooks")]
    assert failure["text"].startswith(
        f"{result.run_id} fails AirflowException: Bash command failed"
    )
    (ended,) = [each.body for each in letters.posts if each.path == "/ops"]
    assert ended["title"] == "a run of alarms failed"
    assert (ended["dag"], ended["run"], ended["owner"]) == ("alarms", result.run_id, "ml-team")
    assert (ended["task"], ended["error"]) == ("", "task_failure")
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in written)
    assert [path for path in written if b"canary-of-a-password" in path.read_bytes()] == []
    assert f"/dags/alarms/{'runs' if target == 'airflow3' else 'grid'}" in ended["log"]


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_airflow_3(tmp_path, monkeypatch):
    with inbox() as letters:
        result, pool = run(tmp_path, letters, "airflow3", monkeypatch)
        check(tmp_path, result, pool, letters, "airflow3")
        (late,) = [each.body for each in letters.posts if each.path == "/v2/enqueue"]
    assert late["payload"]["summary"].startswith(
        "a run of alarms is late, it should have ended by 20"
    )
    assert late["dedup_key"] == f"alarms/{result.run_id}/deadline"
    assert late["links"][0]["href"].endswith(
        result.url.rpartition("/")[2].replace(":", "%3A").replace("+", "%2B")
    )


@pytest.mark.airflow2
@pytest.mark.timeout(400)
@pytest.mark.skipif(not os.access(AIRFLOW_2, os.X_OK), reason="needs `make airflow2`")
def test_airflow_2(tmp_path, monkeypatch):
    with inbox() as letters:
        result, pool = run(tmp_path, letters, "airflow2", monkeypatch)
        check(tmp_path, result, pool, letters, "airflow2")
