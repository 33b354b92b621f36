"""`wait_for_bigquery`, `wait_for_dag` and `wait_until`: sensors that take no worker."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import jinja2
import pendulum
import pytest

from dagfactory.dagfile.model import Call


def test_a_table_and_a_partition(lowered):
    made = lowered("type: wait_for_bigquery\ntable: ${env.project}.d.t\npoll: 2m\ntimeout: 1h")
    sensors = "airflow.providers.google.cloud.sensors.bigquery"
    assert made.arguments["operator"] == f"{sensors}.BigQueryTableExistenceSensor"
    assert made.arguments["arguments"] == {
        "project_id": "demo-project",
        "dataset_id": "d",
        "table_id": "t",
        "deferrable": True,
        "poke_interval": 120,
        "timeout": 3600,
    }
    made = lowered("type: wait_for_bigquery\ntable: p.d.t\npartition: '{{ ds_nodash }}'")
    assert made.arguments["operator"] == f"{sensors}.BigQueryTablePartitionExistenceSensor"
    assert made.arguments["arguments"]["partition_id"] == "{{ ds_nodash }}"


def test_a_run_and_a_task_of_another_dag(arguments):
    whole = arguments("type: wait_for_dag\ndag: other\noffset: 1d")
    assert (whole["allowed_states"], whole["failed_states"]) == (["success"], ["failed"])
    assert isinstance(whole["execution_delta"], Call)
    assert whole["execution_delta"].arguments == {"days": 1}
    task = arguments("type: wait_for_dag\ndag: other\ntask: a.b\nsucceed_on: [success, skipped]")
    assert task["external_task_ids"] == ["a.b"]
    assert task["failed_states"] == ["failed", "upstream_failed"]
    either = arguments("type: wait_for_dag\ndag: other\ngroup: g\nsucceed_on: [success, failed]")
    assert (either["external_task_group_id"], either["failed_states"]) == ("g", [])


class Started(NamedTuple):
    """What a template sees of its task."""

    start_date: pendulum.DateTime


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ('time: "06:30"', "2026-01-06T06:30:00+01:00"),
        ("delay: 90m", "2026-01-06T01:30:00+00:00"),
        ("delay: 90m\nfrom: due", "2026-01-06T01:30:00+00:00"),
        ("delay: 90m\nfrom: start", "2026-01-06T09:45:00+00:00"),
        ("at: 2026-01-05T06:30+01:00", "2026-01-05T06:30+01:00"),
        ('at: "{{ data_interval_end.add(hours=2) }}"', "2026-01-06 02:00:00+00:00"),
    ],
)
def test_the_time_that_is_waited_for(compiled, lowered, keys, expected):
    from dagfactory.tasks.wait_until import WaitUntil, _target

    task = compiled(f"type: wait_until\n{keys}").plan.tasks["it"].task
    assert isinstance(task, WaitUntil)
    text = _target(task, "Europe/Berlin")
    due = pendulum.datetime(2026, 1, 6)
    shown = (
        jinja2.Environment(autoescape=True)
        .from_string(text)
        .render(data_interval_end=due, ti=Started(due.add(hours=8, minutes=15)), macros=dt)
    )
    assert pendulum.parse(shown) == pendulum.parse(expected)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("type: wait_until\ntime: '6:30'", "`6:30` is not a time of day"),
        ("type: wait_until\nat: tomorrow", "`tomorrow` is not a time"),
        ("type: wait_until\ndelay: 1h\ntime: '06:30'", "`time` and `delay` exclude each other"),
        ("type: wait_for_dag\ndag: o\ntask: a\ngroup: b", "`task` and `group` exclude each other"),
    ],
)
def test_faults(faults, body, message):
    assert faults(body) == [("DF123", message)]


def test_a_pipeline_does_not_wait_for_itself(faults):
    assert faults("type: wait_for_dag\ndag: demo") == [
        ("DF203", "`demo` would wait for the end of itself")
    ]
    assert faults("type: wait_for_dag\ndag: demo\noffset: 1d") == []
