"""Every key of a pipeline, its defaults and any task becomes the argument Airflow knows it by."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.dag import RETRIES, lower
from dagfactory.dagfile.model import Call, DagFile, Operator
from dagfactory.language.pipeline import Defaults, Pipeline
from dagfactory.language.task import TaskBase
from dagfactory.task_api.arguments import delta

TASKS = "tasks: {a: {type: bash, command: x}}\n"


def lowered(folder: Path, text: str) -> DagFile:
    path = folder / "p.yaml"
    path.write_text(text)
    made = compile_spec(path, None)
    assert made.plan, made.diagnostics
    return lower(made.plan, source="p.yaml")


def of_task(folder: Path, keys: str, head: str = "") -> dict[str, Any]:
    others = "c: {type: empty}, b: {type: empty}"
    text = f"pipeline: p\n{head}\ntasks: {{{others}, a: {{type: bash, command: x, {keys}}}}}\n"
    (found,) = (each for each in lowered(folder, text).members if each.id == "a")
    assert isinstance(found, Operator)
    return found.arguments


def calls(value: Any) -> Any:
    """Write calls as (name, positional, keywords), which is easier to state."""
    if isinstance(value, Call):
        named = {key: calls(item) for key, item in value.arguments.items()}
        return (value.symbol.name, *map(calls, value.positional), *([named] if named else []))
    if isinstance(value, list):
        return [calls(item) for item in value]
    if isinstance(value, dict):
        return {key: calls(item) for key, item in value.items()}
    return value


COMMON = {
    "trigger_rule": ("trigger_rule: all_done", {"trigger_rule": "all_done"}),
    "retries": (
        "retries: {attempts: 0, delay: 90s, backoff: fixed, max_delay: 2h}",
        {
            "retries": 0,
            "retry_delay": ("timedelta", {"seconds": 90}),
            "retry_exponential_backoff": False,
            "max_retry_delay": ("timedelta", {"hours": 2}),
        },
    ),
    "timeout": ("timeout: 90m", {"execution_timeout": ("timedelta", {"minutes": 90})}),
    "pool": ("pool: gpu", {"pool": "gpu"}),
    "pool_slots": ("pool_slots: 2", {"pool_slots": 2}),
    "queue": ("queue: large", {"queue": "large"}),
    "priority": ("priority: -3", {"priority_weight": -3}),
    "alerts": (
        "alerts: {on_failure: [], on_retry: [{slack: {connection: c}}]}",
        {
            "on_failure_callback": [],
            "on_retry_callback": [("SlackAlert", {"event": "retry", "connection": "c"})],
        },
    ),
    "doc": ('doc: "# Why"', {"doc_md": "# Why"}),
    "after": ("after: [b]", {}),
    "for_each": ("for_each: [1]", {"map_index_template": "{{ (params.for_each | string)[:120] }}"}),
    "parallel": (
        "for_each: [1, 2], parallel: 2",
        {
            "max_active_tis_per_dagrun": 2,
            "map_index_template": "{{ (params.for_each | string)[:120] }}",
        },
    ),
    "outlets": (
        "outlets: ['gs://b/x', y]",
        {"outlets": [("StorageAsset", "gs://b/x"), ("Asset", "y")]},
    ),
    "depends_on_past": ("depends_on_past: true", {"depends_on_past": True}),
    "wait_for_downstream": ("wait_for_downstream: false", {"wait_for_downstream": False}),
    "teardown": ("teardown: c, after: [b]", {}),
}


@pytest.mark.parametrize(("keys", "expected"), COMMON.values(), ids=COMMON)
def test_common_keys(tmp_path: Path, keys: str, expected: dict[str, Any]) -> None:
    assert calls(of_task(tmp_path, keys)) == {"task_id": "a", "bash_command": "x", **expected}


def test_no_common_key_is_forgotten_here() -> None:
    assert set(COMMON) == set(TaskBase.model_fields) - {"type"}


PIPELINE = {
    "pipeline": ("", {"dag_id": "p"}),
    "description": ("description: A sentence.", {"description": "A sentence."}),
    "doc": ("doc: '# Why'", {"doc_md": "# Why"}),
    "tags": ("tags: [x, y]", {"tags": ["x", "y"]}),
    "catchup": ("catchup: true", {"catchup": True}),
    "max_active_runs": ("max_active_runs: 2", {"max_active_runs": 2}),
    "max_active_tasks": ("max_active_tasks: 3", {"max_active_tasks": 3}),
    "timeout": ("timeout: 2d", {"dagrun_timeout": ("timedelta", {"days": 2})}),
    "start_date": (
        "start_date: 2026-01-05T03:30",
        {"start_date": ("datetime", 2026, 1, 5, 3, 30)},
    ),
    "end_date": ("end_date: 2027-01-05", {"end_date": ("datetime", 2027, 1, 5)}),
    "timezone": (
        "timezone: Europe/Berlin\nstart_date: 2026-01-05",
        {"start_date": ("datetime", 2026, 1, 5, {"tz": "Europe/Berlin"})},
    ),
    "alerts": (
        "alerts: {on_run_success: [{email: {to: a@example.com}}]}",
        {
            "on_success_callback": [
                ("EmailAlert", {"event": "run_success", "to": ["a@example.com"]})
            ]
        },
    ),
    "schedule": ("schedule: null", {"schedule": None}),
    "fail_fast": ("fail_fast: true", {"fail_fast": True}),
    "pause_after_failures": ("pause_after_failures: 3", {"max_consecutive_failed_dag_runs": 3}),
    "owner_links": (
        "owner_links: {ml: 'mailto:ml@example.com'}",
        {"owner_links": {"ml": "mailto:ml@example.com"}},
    ),
    "owner": ("owner: ml", {"default_args": {"owner": "ml", **calls(RETRIES)}}),
    "params": (
        "params: {s: {type: string, enum: [a, b]}, n: {type: number, default: 0.5, minimum: 0}}",
        {
            "params": {
                "s": ("Param", None, {"type": ["string", "null"], "enum": ["a", "b", None]}),
                "n": ("Param", 0.5, {"type": "number", "minimum": 0}),
            }
        },
    ),
}
ELSEWHERE = {"budget", "defaults", "vars", "environments", "tasks"}


@pytest.mark.parametrize(("text", "expected"), PIPELINE.values(), ids=PIPELINE)
def test_keys_of_a_pipeline(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    found = calls(lowered(tmp_path, f"pipeline: p\n{text}\n{TASKS}").arguments)
    assert {key: found[key] for key in expected} == expected


def test_no_key_of_a_pipeline_is_forgotten_here() -> None:
    assert set(PIPELINE) | ELSEWHERE == set(Pipeline.model_fields)


SCHEDULES = {
    '"0 3 * * 1"': "0 3 * * 1",
    '"@daily"': "@daily",
    "{preset: '@yearly'}": "@yearly",
    "{cron: '0  0 * jan mon-fri'}": "0 0 * jan mon-fri",
    "{every: 6h}": ("timedelta", {"hours": 6}),
    "{assets: ['gs://bucket/x', y]}": [("StorageAsset", "gs://bucket/x"), ("Asset", "y")],
    "{assets: {any: [x, {all: [y, z]}]}}": (
        "AssetAny",
        ("Asset", "x"),
        ("AssetAll", ("Asset", "y"), ("Asset", "z")),
    ),
    "{assets: [x, {any: [y, z]}]}": (
        "AssetAll",
        ("Asset", "x"),
        ("AssetAny", ("Asset", "y"), ("Asset", "z")),
    ),
    "{assets: [x], cron: '0 3 * * *'}": (
        "AssetOrTimeSchedule",
        {
            "assets": [("Asset", "x")],
            "timetable": ("CronTriggerTimetable", "0 3 * * *", {"timezone": "UTC"}),
        },
    ),
}


@pytest.mark.parametrize(("text", "expected"), SCHEDULES.items())
def test_schedules(tmp_path: Path, text: str, expected: Any) -> None:
    head = f"pipeline: p\nstart_date: 2026-01-05\nschedule: {text}\n"
    assert calls(lowered(tmp_path, head + TASKS).arguments["schedule"]) == expected


def test_a_continuous_pipeline_has_one_run_at_a_time(tmp_path: Path) -> None:
    head = "pipeline: p\nstart_date: 2026-01-05\nschedule: '@continuous'\n"
    assert lowered(tmp_path, head + TASKS).arguments["max_active_runs"] == 1


def test_defaults_are_inherited(tmp_path: Path) -> None:
    head = (
        "pipeline: p\ndefaults: {retries: {attempts: 5, backoff: fixed}, pool: p, pool_slots: 2,"
        " queue: q, priority: 7, timeout: 2h, depends_on_past: true, wait_for_downstream: true}\n"
    )
    made = lowered(tmp_path, head + TASKS)
    assert calls(made.arguments["default_args"]) == calls(RETRIES) | {
        "retries": 5,
        "retry_exponential_backoff": False,
        "pool": "p",
        "pool_slots": 2,
        "queue": "q",
        "priority_weight": 7,
        "depends_on_past": True,
        "wait_for_downstream": True,
    }
    assert calls(made.members[0].arguments["execution_timeout"]) == ("timedelta", {"hours": 2})
    assert {"image", "machine", "poll"} <= set(Defaults.model_fields)  # of jobs: test_job.py


def test_a_task_has_its_own_limit_before_the_default(tmp_path: Path) -> None:
    made = of_task(tmp_path, "timeout: 1h", head="defaults: {timeout: 2h}")
    assert calls(made["execution_timeout"]) == ("timedelta", {"hours": 1})


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, {"seconds": 0}), (1, {"seconds": 1}), (90, {"seconds": 90}), (7200, {"hours": 2})],
)
def test_durations_are_written_in_whole_units(seconds: int, expected: dict[str, int]) -> None:
    assert delta(timedelta(seconds=seconds)).arguments == expected


def test_references_become_what_airflow_renders(tmp_path: Path) -> None:
    text = """
pipeline: p
params: {n: {type: integer, default: 1}}
tasks:
  a: {type: bash, command: x}
  b: {type: bash, command: "$${HOME} ${tasks.a.result} ${params.n} ${run.id} {{ ds }} $x"}
"""
    command = lowered(tmp_path, text).members[1].arguments["bash_command"]
    pulled = "{{ ti.xcom_pull(task_ids='a') }}"
    assert command == "${HOME} " + pulled + " {{ params.n }} {{ run_id }} {{ ds }} $x"
