"""`approval` and `promote`: a person agrees, and an alias moves."""

from __future__ import annotations

import pytest

from dagfactory.dagfile.model import Call


def test_an_approval_is_airflows_own_operator(lowered):
    made = lowered("type: approval\nsubject: Go on?\nbody: why\ntimeout: 2h\ndefault: reject")
    assert (made.symbol.module, made.symbol.name) == (
        "airflow.providers.standard.operators.hitl",
        "ApprovalOperator",
    )
    limit = made.arguments.pop("response_timeout")
    assert isinstance(limit, Call)
    assert limit.arguments == {"hours": 2}
    assert made.arguments == {
        "task_id": "it",
        "subject": "Go on?",
        "body": "why",
        "defaults": "Reject",
        "retries": 0,
    }


def test_it_asks_again_only_where_the_spec_says_so(lowered):
    made = lowered("type: approval\nsubject: Go on?\non_reject: fail\nretries: {attempts: 2}")
    assert (made.arguments["retries"], made.arguments["fail_on_reject"]) == (2, True)


def test_promotion(lowered):
    made = lowered("type: promote\nmodel: ${tasks.before.result}\nalias: blue")
    assert made.symbol.name == "PromoteOperator"
    assert (made.arguments["alias"], made.arguments["region"]) == ("blue", "us-central1")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("type: approval", "DF121", "`it` lacks the key `subject`"),
        ("type: approval\nsubject: a\ndefault: reject", "DF121", "`it` lacks the key `timeout`"),
        ("type: promote\nmodel: arr-coc", "DF123", "`arr-coc` is not a version of a model"),
        ("type: promote\nmodel: ${run.dir}/m", "DF317", "`promote` needs a registered model"),
        (
            "type: promote\nmodel: ${tasks.before.result}\nalias: '7'",
            "DF123",
            "`7` is not an alias of a model version",
        ),
    ],
)
def test_faults(faults, body, code, message):
    found = faults(body)
    assert [each[0] for each in found] == [code], found
    assert message in found[0][1]
