"""Secrets are read over HTTP with the real client, and never printed."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import google.auth.credentials
import pytest

from trainer import vertex
from trainer.errors import TrainerError

NAME = "projects/p/secrets/wandb/versions/latest"
CANARY = "canary-7f3a"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path == f"/v1/{NAME}:access"
        payload = {"name": NAME, "payload": {"data": base64.b64encode(CANARY.encode()).decode()}}
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(payload if known else {}).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def manager(monkeypatch):
    """Secret Manager stands on another host and wants credentials: only these two are replaced."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(
        vertex, "ACCESS_URL", f"http://127.0.0.1:{server.server_port}/v1/{{}}:access"
    )
    anonymous = google.auth.credentials.AnonymousCredentials()
    monkeypatch.setattr(google.auth, "default", lambda **_: (anonymous, "p"))
    yield server
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_a_secret_reaches_the_environment_and_no_output(manager, capsys):
    environment = {"DAGFACTORY_SECRETS": json.dumps({"WANDB_API_KEY": NAME})}
    assert vertex.load_secrets(environment) == ["WANDB_API_KEY"]
    assert environment["WANDB_API_KEY"] == CANARY
    assert CANARY not in "".join(capsys.readouterr())


def test_a_refused_secret_is_named(manager):
    environment = {"DAGFACTORY_SECRETS": json.dumps({"KEY": "projects/p/secrets/x/versions/1"})}
    with pytest.raises(TrainerError, match=r"secret projects/p/secrets/x/versions/1 .*HTTP 404"):
        vertex.load_secrets(environment)


def test_without_secrets_nobody_is_asked():
    assert vertex.load_secrets({}) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"A": 1}'])
def test_a_bad_variable_is_one_line(text):
    with pytest.raises(TrainerError, match="DAGFACTORY_SECRETS"):
        vertex.load_secrets({"DAGFACTORY_SECRETS": text})
