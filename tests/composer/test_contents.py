"""What Airflow holds, over the interface of Airflow 2 that answers one thing after the other."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dagfactory.composer.airflow_client import LOGIN, AirflowClient
from dagfactory.composer.contents import KINDS, apply, differences
from dagfactory.language.environment import EnvironmentFile
from dagfactory.rest.errors import AnswerError

KEYS = {kind.path: kind.key for kind in KINDS}


class _Airflow2(BaseHTTPRequestHandler):
    """The part of /api/v1 that reads and writes pools, variables and connections."""

    def answer(self):
        held, told = self.server.held, self.server.told
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null")
        _, api, version, *path = self.path.split("/")
        assert version == "v2" or self.headers["Authorization"].startswith("Basic ")
        if self.command != "GET":
            told.append((self.command, *path))
        if (api, version) != ("api", "v1"):
            return self.end(404, {"detail": "Not Found"})
        if self.command == "POST":
            path = [*path, body[KEYS[path[0]]]]
        if self.command in ("POST", "PATCH"):
            held[tuple(path)] = body
        found = held.get(tuple(path))
        return self.end(200, found) if found else self.end(404, {"detail": "not found"})

    def end(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 - names of http.server

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Airflow2)
    made.held, made.told = {}, []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def environment(**airflow):
    return EnvironmentFile.model_validate(
        {
            "environment": "dev",
            "project": "demo-dev",
            "region": "us-central1",
            "bucket": "gs://demo-dev",
            "target": "airflow2",
            "pools": {"gpu": {"slots": 4}},
            "airflow": airflow,
        }
    )


HOOK = {"type": "http", "host": "example.com", "extra": {"timeout": 20}}


def test_airflow_2_gets_one_thing_after_the_other_and_the_second_time_nothing(server):
    client = AirflowClient(f"http://127.0.0.1:{server.server_port}", {LOGIN: "me:secret"})
    wanted = environment(variables={"sizes": [1, 2]}, connections={"hook": HOOK})
    found = differences(client, wanted)
    assert [each.text for each in found] == ["+ pool gpu", "+ variable sizes", "+ connection hook"]
    apply(client, found)
    assert server.told == [("POST", "pools"), ("POST", "variables"), ("POST", "connections")]
    assert differences(client, wanted) == []
    server.held["pools", "gpu"]["slots"] = 2
    [changed] = differences(client, wanted)
    assert changed.text == "~ pool gpu: slots"
    apply(client, [changed])
    assert server.told[3:] == [("PATCH", "pools", "gpu")]


def test_what_airflow_hides_is_no_difference(server):
    client = AirflowClient(f"http://127.0.0.1:{server.server_port}", {LOGIN: "me:secret"})
    wanted = environment(connections={"hook": HOOK})
    apply(client, differences(client, wanted))
    server.held["connections", "hook"]["extra"] = '{"timeout": "***"}'
    assert differences(client, wanted) == []
    server.held["connections", "hook"] |= {"extra": "***"}
    assert differences(client, wanted) == []


def test_an_answer_of_another_shape_is_said(server):
    client = AirflowClient(f"http://127.0.0.1:{server.server_port}", {LOGIN: "me:secret"})
    server.held["pools", "gpu"] = ["odd"]
    with pytest.raises(AnswerError, match="something that is not a pool"):
        differences(client, environment())
