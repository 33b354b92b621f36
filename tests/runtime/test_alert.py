"""Alerts fire in a real Airflow: what arrives, and what happens when nothing can."""

from __future__ import annotations

import base64
import copy
import pickle
from types import SimpleNamespace

import pytest

from dagfactory.runtime.alert_context import event_fields
from dagfactory.runtime.http import NotSentError, base_url, post_json


@pytest.fixture(scope="module")
def alerting(airflow, letters):
    letters.posts.clear()
    return airflow.run("alerting")


def of(letters, path, **wanted):
    """Return the bodies that came to a path and hold the wanted items."""
    found = [each.body for each in letters.posts if each.path == path]
    return [body for body in found if wanted.items() <= body.items()]


def slack_about(letters, task):
    """Return what came through the webhook about a task; tasks end in no particular order."""
    return [body for body in of(letters, "/hooks/T0/B0/x") if f".{task} " in body["text"]]


@pytest.mark.airflow
def test_every_task_ends_as_it_would_without_alerts(alerting):
    states = alerting.states()
    failed = {name for name, state in states.items() if state == "failed"}
    assert failed == {"fails", "again", "misworded"}
    assert (states["fine"], states["skips"], states["unsent"]) == ("success", "skipped", "success")


@pytest.mark.airflow
def test_slack_hears_of_a_failure_with_its_last_line_made_harmless(alerting, letters):
    (first,) = slack_about(letters, "fails")
    assert set(first) == {"text"}
    lines = first["text"].splitlines()
    assert lines[0] == "*alerting.fails failed (try 1 of 1)*"
    assert lines[1] == "> AirflowException: a &lt;b&gt; &amp; {{ 7 * 191 }} &lt;!channel&gt;"
    assert lines[2].startswith(f"run `{alerting.run_id}` · owner ml-team · <http")
    assert lines[2].endswith("|open in Airflow>")


@pytest.mark.airflow
def test_a_bot_posts_to_a_channel_with_the_users_words(alerting, letters):
    (body,) = of(letters, "/api/chat.postMessage")
    assert body["channel"] == "#ml"
    assert body["text"].startswith("fails on 20")
    assert body["text"].endswith(
        ": AirflowException: a &lt;b&gt; &amp; {{ 7 * 191 }} &lt;!channel&gt;"
    )
    (request,) = [each for each in letters.posts if each.path == "/api/chat.postMessage"]
    assert request.headers["authorization"] == "Bearer bot-token"


@pytest.mark.airflow
def test_a_mail_arrives_with_the_error_as_text(alerting, letters):
    (mail,) = letters.mails
    assert (mail["to"], mail["cc"]) == ("ml@example.com", "head@example.com")
    assert mail["from"] == "airflow@example.com"
    assert mail["subject"] == "alerting.fails failed (try 1 of 1)"
    body = next(part for part in mail.walk() if part.get_content_type() == "text/html")
    assert "<pre>AirflowException: a &lt;b&gt; &amp; {{ 7 * 191 }}" in body.get_content()
    assert "owner ml-team" in body.get_content()


@pytest.mark.airflow
def test_pagerduty_gets_one_incident(alerting, letters):
    (body,) = of(letters, "/v2/enqueue")
    assert (body["routing_key"], body["event_action"]) == ("routing", "trigger")
    assert body["dedup_key"] == f"alerting/{alerting.run_id}/fails"
    payload = body["payload"]
    assert (payload["source"], payload["severity"]) == ("alerting", "critical")
    assert payload["summary"] == "alerting.fails failed (try 1 of 1)"
    assert body["links"][0]["href"].startswith("http")


@pytest.mark.airflow
def test_a_webhook_gets_the_facts_and_its_connection_is_used(alerting, letters):
    (body,) = of(letters, "/ops", event="failure")
    assert (body["dag"], body["task"], body["run"]) == ("alerting", "fails", alerting.run_id)
    assert body["error"].endswith("{{ 7 * 191 }} <!channel>")
    request = next(each for each in letters.posts if each.body == body)
    word = base64.b64encode(b"me:canary-of-a-password").decode()
    assert (request.headers["authorization"], request.headers["x-team"]) == (f"Basic {word}", "ml")


@pytest.mark.airflow
def test_a_retry_is_told_once_and_an_empty_list_silences_the_default(alerting, letters):
    (body,) = of(letters, "/ops", event="retry")
    assert body["title"] == "alerting.again failed and will be tried again (try 1 of 2)"
    assert of(letters, "/ops", event="failure", task="again") == []


@pytest.mark.airflow
def test_success_and_skipping_are_told(alerting, letters):
    assert of(letters, "/ops", word="fine") == [{"word": "fine", "f": "own"}]
    (skipped,) = of(letters, "/ops", event="skipped")
    assert skipped["title"] == "alerting.skips was skipped"


@pytest.mark.airflow
def test_words_that_cannot_be_rendered_become_the_default_ones(alerting, letters):
    (found,) = slack_about(letters, "misworded")
    assert found["text"].startswith("*alerting.misworded failed (try 1 of 1)*\n> ")
    assert "cannot be rendered, the default is sent" in alerting.log


@pytest.mark.airflow
def test_what_cannot_be_sent_is_logged_and_the_next_alert_is_sent(alerting, letters):
    assert "SlackAlert for success was not sent: there is no connection not_there" in alerting.log
    assert "WebhookAlert for success was not sent: no answer (ConnectionError)" in alerting.log
    assert "cannot import alerting.nowhere" in alerting.log
    assert of(letters, "/ops", after="two that failed") == [{"after": "two that failed"}]


@pytest.mark.airflow
def test_no_secret_of_a_connection_is_logged(alerting):
    for secret in ("canary-of-a-password", "T0/B0/x", "bot-token", "token-in-an-address"):
        assert secret not in alerting.log


def test_a_passing_error_is_tried_again(letters, monkeypatch):
    monkeypatch.setattr("dagfactory.runtime.http.PAUSE", 0.0)
    url = f"http://127.0.0.1:{letters.http}/tries"
    letters.answers[:] = [503, 429]
    assert post_json(url, {}).ok
    assert len(of(letters, "/tries")) == 3


@pytest.mark.parametrize(("statuses", "requests"), [([404], 1), ([500, 502, 503], 3)])
def test_an_error_that_stays_is_told_without_the_address(letters, monkeypatch, statuses, requests):
    monkeypatch.setattr("dagfactory.runtime.http.PAUSE", 0.0)
    letters.posts.clear()
    letters.answers[:] = list(statuses)
    with pytest.raises(NotSentError, match=f"HTTP {statuses[-1]}") as raised:
        post_json(f"http://127.0.0.1:{letters.http}/secret-part", {})
    assert "secret-part" not in str(raised.value)
    assert len(letters.posts) == requests


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"host": ""}, "https://default"),
        ({"host": "hooks.example.com/a/"}, "https://hooks.example.com/a"),
        ({"host": "127.0.0.1", "schema": "http", "port": 80}, "http://127.0.0.1:80"),
        ({"host": "http://here:1/x/", "port": 5}, "http://here:1/x"),
    ],
)
def test_the_address_of_a_connection(fields, expected):
    conn = SimpleNamespace(**({"schema": None, "port": None} | fields))
    assert base_url(conn, "https://default") == expected


def test_the_facts_of_a_deadline_come_from_data_alone():
    late = {"dag_id": "d", "dag_run_id": "r/1", "logical_date": "2026-01-05T00:00:00Z"}
    values = event_fields(
        "deadline", {"dag_run": late, "deadline": {"deadline_time": "2026-01-05 08:00"}}
    )
    assert values["title"] == "a run of d is late, it should have ended by 2026-01-05 08:00"
    assert (values["dag"], values["run"], values["task"], values["owner"]) == ("d", "r/1", "", "")
    assert values["log"].endswith(("/dags/d/runs/r%2F1", "/dags/d/grid?dag_run_id=r%2F1"))


def test_an_alert_is_a_plain_value():
    from dagfactory.runtime.alert import SlackAlert

    alert = SlackAlert(event="failure", connection="c")
    assert repr(alert) == "SlackAlert(event='failure', connection='c')"
    assert copy.deepcopy(alert) == alert
    assert pickle.loads(pickle.dumps(alert)) == alert  # noqa: S301 - our own object
    assert len({alert, copy.copy(alert), SlackAlert(event="retry", connection="c")}) == 2
