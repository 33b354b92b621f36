"""The part of Airflow around a task whose processes die: who runs it again, and from where.

A task runs in `stage.py`. This module keeps what Airflow's database keeps: the try, the deferral.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import history
import processes
import stage
from paths import ROOT, TESTS

MOMENTS = (stage.UNSENT, stage.UNANSWERED, stage.UNREAD)
RETRY, AGAIN = "retry", "again"
"""Airflow's retry begins with `execute`. A task that the scheduler takes back, because it cannot adopt
it, starts again where it was: with the method and the arguments of its deferral."""

SETTLED = 0.1  # seconds: a request of a dead process is served before Airflow notices the death
LIMIT = 4 * 3600.0  # seconds, for all steps together
STEPS = 30
LONGEST_WAIT = 20.0  # seconds


@dataclass(frozen=True)
class Scenario:
    """A task, what befalls it, and how it has to end."""

    name: str
    operator: dict[str, Any]
    changed: dict[str, Any] | None = None
    """The operator after somebody has changed the spec and cleared the task."""

    faults: tuple[str, ...] = ()
    retries: int = 3
    meanwhile: str = ""
    """What happens while the task waits for the first time: `clear`, `time`; `kill` before that."""

    before: tuple[dict[str, Any], ...] = ()
    """What other tasks have done before: the last model that they made is `MODEL` of the operators."""

    end: str = "success"


class Death(NamedTuple):
    """A process that dies: in which step of the task, at which request, when, and what Airflow does."""

    step: int
    request: int
    moment: str
    then: str


class Request(NamedTuple):
    """A request to Vertex AI of an undisturbed run."""

    step: int
    number: int
    kind: str


@dataclass
class Stage:
    """The program that runs steps, and the emulator that they meet."""

    process: Any
    emulator: Any

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a step to its end."""
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the stage has ended"
        return dict(json.loads(line))


@contextmanager
def staged(folder: Path, emulator: Any) -> Iterator[Stage]:
    """Start the program that runs steps."""
    env = emulator.environ() | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT": "google-cloud-platform://",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS / "helpers")]),
    }
    command = [sys.executable, stage.__file__, str(folder / "stage.log")]
    pipe = processes.subprocess.PIPE
    with processes.started(
        command, limit=LIMIT, env=env, stdin=pipe, stdout=pipe, text=True
    ) as process:
        yield Stage(process, emulator)


@dataclass
class Play:
    """One task from its first try to its end."""

    stage: Stage
    scenario: Scenario
    deaths: dict[int, Death] = field(default_factory=dict)
    tries: int = 1
    most: int = 0
    steps: int = 0
    method: str = "execute"
    arguments: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)
    cleared: bool = False
    lost: bool = False
    model: str = ""

    def __post_init__(self) -> None:
        self.task = f"{self.scenario.name}-{uuid4().hex[:10]}"
        self.most = self.scenario.retries
        self.began = datetime.now(UTC)
        self.xcoms = self.stage.emulator.state / f"{self.task}.xcoms"

    def run(self) -> str:
        """Play to the end; return `success` or `failed`."""
        self.prepare()
        while self.steps < STEPS:
            answer = self.stage.run(self.next_step())
            for number, kind in enumerate(answer.get("requests", []), 1):
                self.requests.append(Request(self.steps, number, kind))
            self.fates.append(f"{self.method}: {answer.get('text') or answer['end']}"[:300])
            self.steps += 1
            end = getattr(self, f"after_{answer['end']}")(answer)
            if end:
                return str(end)
        return "endless"

    @property
    def expected(self) -> str:
        """How the task has to end: as its scenario says, unless its last worker was lost."""
        return "failed" if self.lost else self.scenario.end

    def prepare(self) -> None:
        """Run the tasks before this one."""
        for number, operator in enumerate(self.scenario.before):
            instance = self.instance() | {"task_id": f"{self.task}-{number}"}
            asked = {"operator": self.filled(operator), "ti": instance, "method": "execute"}
            self.model = self.stage.run(asked)["value"].get("model") or self.model

    def next_step(self) -> dict[str, Any]:
        """Return the step that Airflow starts now."""
        death = self.deaths.get(self.steps)
        killed = self.scenario.meanwhile == "kill" and not self.cleared
        return {
            "operator": self.operator(),
            "ti": self.instance(),
            "method": self.method,
            "arguments": self.arguments,
            "death": [death.request, death.moment] if death else None,
            "terminated": killed,
        }

    def operator(self) -> dict[str, Any]:
        """Return the operator as the DAG file of the moment has it."""
        given = self.scenario.changed if self.cleared else None
        return self.filled(given or self.scenario.operator)

    def filled(self, operator: dict[str, Any]) -> dict[str, Any]:
        """Return an operator with the names of this task and of the model before it."""
        text = json.dumps(operator).replace("TASK", self.task)
        return dict(json.loads(text.replace("MODEL", self.model)))

    def instance(self) -> dict[str, Any]:
        """Return the task instance."""
        return {
            "dag_id": "crashes",
            "task_id": self.task,
            "run_id": "r1",
            "map_index": -1,
            "try_number": self.tries,
            "max_tries": self.most,
            "start_date": self.began.isoformat(),
            "xcoms": str(self.xcoms),
        }

    # What Airflow does after a step.

    def after_returned(self, _: dict[str, Any]) -> str:
        """End."""
        return "success"

    def after_raised(self, answer: dict[str, Any]) -> str:
        """Retry while there are tries left."""
        return "failed" if answer["final"] else self.retried()

    def after_killed(self, _: dict[str, Any]) -> str:
        """Retry, or start where it was, once the death is noticed."""
        time.sleep(SETTLED)
        if self.deaths[self.steps - 1].then == AGAIN:
            self.tries += 1
            return ""
        if self.tries > self.most:
            self.lost = True
            # in the DAG processor, for there is no worker
            self.stage.run(self.next_step() | {"method": "on_failure_callback", "death": None})
        return self.retried()

    def after_terminated(self, _: dict[str, Any]) -> str:
        """Begin again: somebody has cleared the task while it ran."""
        self.clear()
        return ""

    def after_deferred(self, answer: dict[str, Any]) -> str:
        """Wait for the job, for the time limit, or until somebody clears the task."""
        if self.scenario.meanwhile and not self.cleared:
            return self.disturbed()
        ended = self.wait(answer["job"], answer["timeout"])
        if not ended and self.scenario.meanwhile == "time":  # of this try, too
            self.began -= timedelta(days=1)
        self.method = answer["method"] if ended else "__fail__"
        given = {**answer["arguments"], "event": {"status": "whatever"}}
        self.arguments = given if ended else {"error": "Trigger timeout"}
        return ""

    def disturbed(self) -> str:
        """Let the time of the try be up, or clear the task."""
        if self.scenario.meanwhile == "time":
            self.cleared = True
            self.began -= timedelta(days=1)
            self.method, self.arguments = "__fail__", {"error": "Trigger timeout"}
        else:
            self.clear()
        return ""

    def clear(self) -> None:
        """Begin a new try as Airflow does for whoever clears a task."""
        self.cleared = True
        self.most = self.tries + self.scenario.retries
        self.retried()

    def retried(self) -> str:
        """Begin the next try, which knows nothing of the last one; fail after the last."""
        if self.tries > self.most:
            return "failed"
        self.tries += 1
        self.began = datetime.now(UTC)
        self.method, self.arguments = "execute", {}
        self.xcoms.unlink(missing_ok=True)
        return ""

    def wait(self, job: dict[str, Any], limit: float | None) -> bool:
        """Wait as a trigger does; return whether the job has ended within the time limit."""
        path = f"projects/{job['project_id']}/locations/{job['location']}/*/{job['job_id']}.json"
        (file,) = (self.stage.emulator.state / "vertex").glob(path)
        end = time.monotonic() + min(limit or LONGEST_WAIT, LONGEST_WAIT)
        while time.monotonic() < end:
            if json.loads(file.read_text())["state"].rpartition("_STATE_")[2] in history.ENDED:
                return True
            time.sleep(0.03)
        return False


def undisturbed(stage_: Stage, scenario: Scenario) -> Play:
    """Play a scenario without a death; its requests are where a process can die."""
    stage_.emulator.faults(*scenario.faults)
    play = Play(stage_, scenario)
    assert play.run() == scenario.end, play.fates
    return play


def deaths(play: Play) -> list[tuple[Death, str]]:
    """Return every death that can meet a task which went as `play` did, with the kind of request."""
    found = [
        (Death(request.step, request.number, moment, then), request.kind)
        for request in play.requests
        for moment in MOMENTS
        for then in (RETRY, AGAIN)
    ]
    last = {request.step: request for request in play.requests}
    return found + [
        (Death(request.step, request.number, stage.UNREPORTED, then), request.kind)
        for request in last.values()
        for then in (RETRY, AGAIN)
    ]
