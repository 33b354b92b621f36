"""`notify`: one message, by Slack or by mail."""

from __future__ import annotations

import pytest


def test_slack(lowered):
    made = lowered(
        "type: notify\nslack: {connection: s, message: 'm ${tasks.extract.uri}', channel: '#c',"
        " blocks: [{type: divider}]}"
    )
    assert made.arguments["operator"].endswith(".slack_webhook.SlackWebhookOperator")
    assert made.arguments["arguments"] == {
        "slack_webhook_conn_id": "s",
        "message": "m gs://demo-ml/runs/demo/{{ run_id }}/raw",
        "blocks": [{"type": "divider"}],
        "channel": "#c",
    }


def test_email(lowered):
    made = lowered(
        "type: notify\nemail: {to: a@b.c, subject: s, body: t, cc: d@b.c, bcc: [e@b.c],"
        " sender: f@b.c, connection: smtp}"
    )
    assert made.arguments["operator"].endswith(".smtp.EmailOperator")
    assert made.arguments["arguments"] == {
        "to": ["a@b.c"],
        "subject": "s",
        "html_content": "t",
        "cc": ["d@b.c"],
        "bcc": ["e@b.c"],
        "from_email": "f@b.c",
        "conn_id": "smtp",
    }


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ("", "DF121", "`it` lacks the key `slack`"),
        (
            "slack: {connection: s, message: m}\nemail: {to: a@b.c, subject: s, body: t}",
            "DF123",
            "`slack` and `email` exclude each other",
        ),
    ],
)
def test_faults(faults, more, code, message):
    assert faults("type: notify\n" + more) == [(code, message)]
