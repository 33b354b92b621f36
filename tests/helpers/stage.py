"""A program that runs one step of a task after the other, each in a process that can die at a request.

A line of standard input is a step: the operator, its task instance, the method and, perhaps, at which
of its requests to Vertex AI the process is to kill itself. A line of standard output is its end.
Airflow is imported once; each step is a fork of this process.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import urllib3.connection

UNSENT, UNANSWERED, UNREAD, UNREPORTED = "unsent", "unanswered", "unread", "unreported"
"""When a process dies: before a request, after it, after its answer, with its last word unsaid."""

REGIONS = ("us-central1", "us-east1", "us-east4", "us-west1")
CONNECTION = "google_cloud_default"
KINDS = {
    "upload": r"models:upload|:mergeVersionAliases|/models/.*/operations/",
    "deploy": r":deployModel|:undeployModel|PATCH .*/endpoints/|/endpoints/.*/operations/",
    "cancel": r":cancel",
    "create": r"POST .*/(trainingPipelines|hyperparameterTuningJobs|endpoints)(\?|$)",
    "poll": r"GET .*/v1/projects/[^/]+/locations/",
}


def die() -> None:
    """End as a worker whose machine is lost."""
    os.kill(os.getpid(), signal.SIGKILL)


class Requests:
    """Counts the requests of this process to Vertex AI; dies at the one that it was told."""

    def __init__(self, at: int | None, moment: str) -> None:
        self.seen: list[str] = []
        self.at, self.moment = at, moment

    def watch(self) -> None:
        """See every request from now on."""
        connection = urllib3.connection.HTTPConnection
        send, receive = connection.request, connection.getresponse

        def request(this: Any, method: str, url: str, *rest: Any, **named: Any) -> Any:
            this.counted = self.count(f"{method} {url}")
            return send(this, method, url, *rest, **named)

        def getresponse(this: Any, *rest: Any, **named: Any) -> Any:
            counted = getattr(this, "counted", False)
            self.pass_by(UNANSWERED, counted=counted)
            answer = receive(this, *rest, **named)
            self.pass_by(UNREAD, counted=counted)
            return answer

        connection.request = request  # type: ignore[method-assign]
        connection.getresponse = getresponse  # type: ignore[method-assign]

    def count(self, text: str) -> bool:
        """Count a request if it is one to Vertex AI."""
        kind = next((name for name, form in KINDS.items() if re.search(form, text)), None)
        if kind is not None:
            self.seen.append(kind)
            self.pass_by(UNSENT, counted=True)
        return kind is not None

    def pass_by(self, moment: str, *, counted: bool) -> None:
        """Die if this is the moment."""
        if counted and moment == self.moment and len(self.seen) == self.at:
            die()


class Instance(SimpleNamespace):
    """A task instance; its XComs are a file, which outlives the process as Airflow's database does."""

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep a value."""
        Path(self.xcoms).write_text(json.dumps(self._kept() | {key: value}))

    def xcom_pull(self, *, key: str, **_: Any) -> Any:
        """Return a value that was kept."""
        return self._kept().get(key)

    def _kept(self) -> dict[str, Any]:
        path = Path(self.xcoms)
        return json.loads(path.read_text()) if path.exists() else {}


def step(asked: dict[str, Any]) -> dict[str, Any]:
    """Run a method of an operator and return how it ended."""
    from airflow.providers.common.compat.sdk import AirflowFailException
    from airflow.sdk.exceptions import TaskDeferred

    requests = Requests(*(asked.get("death") or (None, "")))
    requests.watch()
    ti = Instance(**asked["ti"])
    ti.start_date = datetime.fromisoformat(ti.start_date)
    operator = made(asked["operator"], ti.task_id)
    try:
        value = called(operator, asked, {"ti": ti, "task": operator})
        end = {"end": "returned", "value": value}
    except TaskDeferred as deferral:
        end = {"end": "deferred", **described(deferral)}
        if asked.get("terminated"):
            operator.on_kill()
            end = {"end": "terminated"}
    except Exception as error:  # noqa: BLE001 - whatever a task raises is its end
        text = f"{type(error).__name__}: {error}"
        end = {"end": "raised", "final": isinstance(error, AirflowFailException), "text": text}
    if requests.moment == UNREPORTED:
        die()
    return end | {"requests": requests.seen}


def made(given: dict[str, Any], task_id: str) -> Any:
    """Make an operator by its dotted path."""
    module, _, name = given["path"].rpartition(".")
    arguments = dict(given["arguments"])
    if "execution_timeout" in arguments:
        arguments["execution_timeout"] = timedelta(seconds=arguments["execution_timeout"])
    return getattr(import_module(module), name)(task_id=task_id, **arguments)


def called(operator: Any, asked: dict[str, Any], context: Any) -> Any:
    """Call a method as Airflow does: `execute`, what a deferral names, or a callback of its end."""
    method, arguments = asked["method"], asked.get("arguments") or {}
    if method == "on_failure_callback":
        return [each(context) for each in operator.on_failure_callback]
    if method == "execute":
        return operator.execute(context)
    return operator.resume_execution(method, arguments, context)


def described(deferral: Any) -> dict[str, Any]:
    """Return what Airflow's database keeps of a deferral."""
    seconds = deferral.timeout.total_seconds() if deferral.timeout else None
    return {
        "job": deferral.trigger.arguments,
        "method": deferral.method_name,
        "arguments": deferral.kwargs or {},
        "timeout": seconds,
    }


def forked(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do something in a process of its own and return its result, `killed` when it has died."""
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return json.loads(text) if text else {"end": "killed", "status": status}
    os.close(reader)
    os.write(writer, json.dumps(work()).encode())
    os._exit(0)


def prepare() -> None:
    """Import what the steps need, which is most of a step."""

    from dagfactory.runtime import endpoint, job, pack, registry, sweep, tune  # noqa: F401


def main(log: Path) -> None:
    """Serve steps until standard input ends."""
    warnings.simplefilter("ignore")
    answers = os.dup(1)  # Airflow logs to standard output
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    prepare()
    for line in sys.stdin:
        asked = json.loads(line)
        end = forked(lambda: step(asked))  # noqa: B023 - called at once
        os.write(answers, (json.dumps(end) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
