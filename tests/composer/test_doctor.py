"""`doctor` in front of servers that answer anything: it ends in lines, and never with a crash."""

import json
import random

import pytest
from answering import answering
from size import SEED, size

from dagfactory.composer.checks import composer
from dagfactory.composer.doctor import DoctorOptions, doctor

SPEC = """
pipeline: p
alerts: {on_failure: [{slack: {connection: slack_ml}}]}
tasks:
  say: {type: bash, command: "echo {{ var.value.limit }}"}
"""
HEAD = "environment: live\nproject: demo-live\nregion: us-central1\nbucket: gs://demo-live\n"
HELD = "pools: {gpu: {slots: 2}}\n"


@pytest.fixture
def server():
    with answering() as made:
        yield made


def looked_at(folder, address, monkeypatch, capsys, name="json"):
    """Return the exit code and the report of an environment whose Airflow is at an address."""
    (folder / "environments").mkdir(exist_ok=True)
    url = f"airflow: {{url: '{address}'}}\n" if address else ""
    (folder / "environments/live.yaml").write_text(HEAD + HELD + url)
    (folder / "p.yaml").write_text(SPEC)
    # no credentials of whoever runs this
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "none.json"))
    code = doctor(DoctorOptions((folder / "p.yaml",), "live", name))
    return code, capsys.readouterr().out


WORDS = [None, True, 0, -1, "", "healthy", "\x1b[31m", [], {}, [[]], "✗" * 50]
KEYS = ["version", "dags", "pools", "import_errors", "providers", "state", "scheduler", "detail"]


def drawn(draw, depth=0):
    if depth > 3 or draw.random() < 0.4:
        return draw.choice(WORDS)
    if draw.random() < 0.3:
        return [drawn(draw, depth + 1) for _ in range(draw.randrange(3))]
    return {draw.choice(KEYS): drawn(draw, depth + 1) for _ in range(draw.randrange(4))}


def anything(draw):
    body = json.dumps(drawn(draw)).encode()
    if draw.random() < 0.2:
        body = bytes(draw.randrange(256) for _ in range(40))
    return draw.choice([200, 200, 200, 201, 302, 401, 403, 404, 409, 418, 500]), body


def test_whatever_airflow_answers_the_report_is_whole(server, tmp_path, monkeypatch, capsys):
    draw = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    server.draw = lambda _: anything(draw)
    address = f"http://127.0.0.1:{server.server_port}"
    for _ in range(size(30, 2000)):
        code, out = looked_at(tmp_path, address, monkeypatch, capsys)
        report = json.loads(out)
        assert (code, report["ok"]) == (1, False)
        assert all(each["fix"] for each in report["lines"] if not each["ok"])
        assert "\x1b" not in out


def test_an_airflow_that_is_not_there_is_said_once(tmp_path, monkeypatch, capsys):
    code, out = looked_at(tmp_path, "http://127.0.0.1:1", monkeypatch, capsys)
    said = [each["text"] for each in json.loads(out)["lines"] if each["check"] == "airflow"]
    assert (code, said) == (1, ["127.0.0.1:1 does not answer: [Errno 111] Connection refused"])


def test_without_an_address_the_report_says_what_to_write(tmp_path, monkeypatch, capsys):
    code, out = looked_at(tmp_path, "", monkeypatch, capsys, "text")
    assert code == 1
    assert "✗ Airflow's address is not known\n    write `airflow: {url: https://…}`\n" in out
    assert "✓ the emulator is installed here" in out
    assert out.endswith(" to repair\n")


def test_missing_credentials_have_the_repair_of_credentials(tmp_path, monkeypatch, capsys):
    _, out = looked_at(tmp_path, "", monkeypatch, capsys)
    (line,) = [each for each in json.loads(out)["lines"] if "credentials" in each["text"]]
    assert line["fix"].startswith("run `gcloud auth application-default login`")


def test_what_composer_does_not_have_is_said_in_words():
    (line,) = composer._one("package pandas", "==1", None)
    assert line.text == "package pandas of Composer is not set, the file says '==1'"


def test_a_token_does_not_follow_to_another_address(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DAGFACTORY_AIRFLOW_TOKEN", "t0ken")
    server.draw = lambda _: (302, b"")
    address = f"http://127.0.0.1:{server.server_port}"
    _, out = looked_at(tmp_path, address, monkeypatch, capsys)
    assert "answered 302" in out
    assert "t0ken" not in out
