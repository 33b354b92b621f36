"""What Google answers, and what becomes of it, by the real session against a server on loopback."""

import json

import pytest
from answering import answering
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials

from dagfactory.rest.errors import AnswerError, NoCredentialsError
from dagfactory.rest.google_client import GoogleClient


@pytest.fixture
def google(monkeypatch):
    monkeypatch.setattr("google.auth.default", lambda **_: (AnonymousCredentials(), None))
    with GoogleClient() as made:
        yield made


@pytest.fixture
def server():
    with answering() as made:
        yield made


def address(server):
    return f"http://127.0.0.1:{server.server_port}/v1/jobs"


@pytest.mark.parametrize(
    ("code", "content", "said"),
    [
        (200, b"<html>Log in</html>", "answered something that is not JSON"),
        (200, b"3", "answered something that is not JSON"),
        (403, b'{"error": {"message": "no\\u001b[31m\\nway"}}', "answered 403: no<U+001B>[31m way"),
        (500, b"oops", "answered 500: Internal Server Error"),
        (302, b"", "answered 302: Found"),
    ],
)
def test_what_is_no_answer_is_one_line(google, server, code, content, said):
    server.draw = lambda _: (code, content)
    with pytest.raises(AnswerError) as caught:
        google.get(address(server))
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


def test_nobody_there_is_said(google):
    with pytest.raises(AnswerError, match=r"127\.0\.0\.1:1 does not answer: "):
        google.get("http://127.0.0.1:1/")


def test_pages_are_read_to_the_last(google, server):
    answers = [{"jobs": [{"n": 1}], "nextPageToken": "t"}, {"jobs": [{"n": 2}]}]
    server.draw = lambda path: (200, json.dumps(answers["pageToken=t" in path]).encode())
    assert [each["n"] for each in google.pages(address(server), "jobs")] == [1, 2]


def test_missing_credentials_say_what_to_do(monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with GoogleClient() as google, pytest.raises(NoCredentialsError) as caught:
        google.get("https://example.com/")
    assert "nowhere.json was not found" in str(caught.value)
    assert caught.value.remedy.startswith("run `gcloud auth application-default login`")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "ask", [lambda google: google.token, lambda google: google.get("https://x/")]
)
def test_an_unreachable_token_server_is_not_a_missing_login(monkeypatch, ask):
    unreachable = {"token_uri": "http://127.0.0.1:1/", "client_id": "i", "client_secret": "s"}
    credentials = Credentials(None, refresh_token="r", **unreachable)
    monkeypatch.setattr("google.auth.default", lambda **_: (credentials, None))
    with (
        GoogleClient() as google,
        pytest.raises(AnswerError, match="tokens does not answer") as caught,
    ):
        ask(google)
    assert caught.value.exit_code == 4
