"""`trigger_dag`: one run of the other DAG per run of this one."""

from __future__ import annotations

import pytest

HEAD = "type: trigger_dag\ndag: report\n"


def test_a_retry_finds_the_run_it_started(lowered):
    made = lowered(HEAD + "conf: {model: x}")
    assert made.arguments["operator"].endswith(".trigger_dagrun.TriggerDagRunOperator")
    assert made.arguments["arguments"] == {
        "trigger_dag_id": "report",
        "trigger_run_id": "demo.it.{{ run_id }}",
        "conf": {"model": "x"},
        "reset_dag_run": True,
    }


def test_waiting_costs_no_worker(arguments):
    made = arguments(
        HEAD
        + "wait: true\npoll: 5m\nsucceed_on: [success, failed]\nexisting: skip\nrun_id: r\n"
        + 'logical_date: "{{ logical_date }}"\nnote: n'
    )
    assert made == {
        "trigger_dag_id": "report",
        "trigger_run_id": "r",
        "logical_date": "{{ logical_date }}",
        "note": "n",
        "skip_when_already_exists": True,
        "wait_for_completion": True,
        "deferrable": True,
        "allowed_states": ["success", "failed"],
        "failed_states": [],
        "poke_interval": 300,
    }


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (HEAD + "poll: 5m", "DF123", "`poll` needs `wait: true`"),
        (HEAD + "succeed_on: [success]", "DF123", "`succeed_on` needs `wait: true`"),
        ("type: trigger_dag\ndag: a b", "DF123", "`a b` is not a DAG id"),
        ("type: trigger_dag\ndag: demo", "DF203", "`demo` would start itself, for ever"),
    ],
)
def test_faults(faults, body, code, message):
    assert faults(body) == [(code, message)]
