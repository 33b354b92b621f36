"""A person answers in Airflow's web UI: what its page sends, from the login on, and what each answer does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import pytest

from dagfactory.run.approvals import Approvals
from dagfactory.run.events import Event, RunResult, TaskChange
from dagfactory.run.execute import AirflowSession, RunOptions, session
from dagfactory.run.links import make_link
from dagfactory.run.prepare import prepare
from dagfactory.run.state_folders import StateFolders

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SPEC = """
pipeline: asked
schedule: null
tasks:
  agreed: {type: approval, subject: Go on?}
  goes: {type: bash, command: "test '${tasks.agreed.by}' = admin", after: [agreed]}
  joins: {type: empty, after: [goes], trigger_rule: all_done}
  sure: {type: approval, subject: Sure?, on_reject: fail}
  publishes: {type: empty, after: [sure]}
"""


def page_of(running: AirflowSession) -> Callable[[str, str, object], object]:
    """Log in as a browser does, by a link, and return what sends a request with its cookie alone."""
    api = running.airflow.api
    opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))
    opener.open(make_link(running.state.links, api.url)).close()

    def send(method: str, path: str, body: object) -> object:
        headers = {"Content-Type": "application/json", "Origin": api.url}
        data = json.dumps(body).encode()
        request = Request(f"{api.url}/api/v2/{path}", data, headers, method=method)  # noqa: S310 - ours
        with opener.open(request) as answer:
            return json.load(answer)

    return send


def answered(running: AirflowSession, answer: str) -> RunResult:
    """Run the pipeline, and answer its questions on the page as soon as each is asked."""
    send, runs = page_of(running), []

    def looking(event: Event) -> None:
        runs.append(getattr(event, "run_id", runs[-1] if runs else ""))
        if isinstance(event, TaskChange) and event.note.endswith("[answer it in the UI]"):
            where = f"dags/asked/dagRuns/{runs[-1]}/taskInstances/{event.task_id}/-1/hitlDetails"
            send("PATCH", where, {"chosen_options": [answer], "params_input": {}})

    asking = replace(
        running, timer=replace(running.timer, tell=looking), approvals=Approvals(ui=True)
    )
    return asking.start("asked", {}).complete(200)


def states(result: RunResult) -> dict[str, str]:
    return {each.task_id: each.state for each in result.tasks}


def test_both_answers_reach_the_tasks_that_follow(project: Path, tmp_path: Path) -> None:
    prepared = prepare(project / "specs/spec.yaml", environment="local", into=tmp_path / "bundle")
    state = StateFolders(tmp_path / "state", prepared.target)
    options = RunOptions(emulator=prepared.emulator, order=prepared.tasks)
    with session(prepared.dags, state=state, options=options, on_event=print) as running:
        agreed = answered(running, "Approve")
        assert (agreed.state, set(states(agreed).values())) == ("success", {"success"})
        refused = answered(running, "Reject")
    assert refused.state == "failed"
    assert states(refused) == {
        "agreed": "success",
        "goes": "skipped",
        "joins": "success",
        "sure": "failed",
        "publishes": "upstream_failed",
    }
