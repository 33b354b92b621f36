"""Which runs go on with another file, as Airflow's REST API says, asked by a client over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dagfactory.deploy.changes.model import Changes, PipelineChange
from dagfactory.deploy.changes.running import PAGE, running
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.run.airflow_api import AirflowApi
from dagfactory.run.login import Login

CHANGES = Changes(
    (
        PipelineChange("etl", "changed", ("spec",)),
        PipelineChange("gone", "removed", ("spec",)),
        PipelineChange("new", "added", ("spec",)),
    )
)


class Server:
    """An Airflow as far as its list of runs; `asked` holds the queries."""

    def __init__(self) -> None:
        self.runs: Any = []
        self.asked: list[dict[str, list[str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                assert address.path == "/api/v2/dags/~/dagRuns"
                query = parse_qs(address.query)
                outer.asked.append(query)
                start = int(query["offset"][0])
                page = outer.runs[start : start + int(query["limit"][0])]
                body = {"dag_runs": page, "total_entries": len(outer.runs)}
                content = json.dumps(body if isinstance(outer.runs, list) else outer.runs).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.client = AirflowApi(self.server.server_port, Login("user", "password"))


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


def run(dag: str, number: int = 0) -> dict[str, Any]:
    return {"dag_id": dag, "dag_run_id": f"manual__{number}", "state": "running", "conf": {}}


def said(server: Server, changes: Changes = CHANGES) -> list[tuple[str, str]]:
    return [(each.pipeline, each.text) for each in running(changes, server.client)]


def test_runs_of_what_changes_are_named(server: Server) -> None:
    server.runs = [
        run("etl", 1),
        run("other", 2),
        run("new", 3),
        *(run("gone", n) for n in range(5)),
    ]
    text = "Airflow goes on with the new file in runs under way"
    assert said(server) == [
        ("etl", f"{text}: `manual__1`"),
        ("gone", f"{text}: `manual__0`, `manual__1`, `manual__2`, `manual__3`, `manual__4`"),
    ]
    assert [each["state"] for each in server.asked] == [["running"]]


def test_more_than_a_page(server: Server) -> None:
    server.runs = [*(run("other", n) for n in range(PAGE)), run("etl", 7)]
    assert [each for each, _ in said(server)] == ["etl"]
    assert [each["offset"] for each in server.asked] == [["0"], [str(PAGE)]]


def test_nothing_is_asked_where_nothing_changes(server: Server) -> None:
    assert said(server, Changes((PipelineChange("new", "added", ("spec",)),))) == []
    assert server.asked == []


def test_what_cannot_be_asked_is_said(server: Server) -> None:
    class Silent:
        def get(self, *_path: str, **_query: object) -> Any:
            raise DagfactoryError("host does not answer")

    (warning,) = running(CHANGES, Silent())
    assert warning.text == "which runs are under way could not be asked: host does not answer"

    class Odd:
        def get(self, *_path: str, **_query: object) -> Any:
            return {"dag_runs": [{"dag_id": 3}]}

    (warning,) = running(CHANGES, Odd())
    assert warning.text.endswith("its answer is not one of Airflow")
