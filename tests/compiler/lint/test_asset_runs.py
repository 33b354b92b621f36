"""What runs started by assets lack: found at each place, on the line where it is so, and nowhere else."""

import pytest
from templated import HEAD, PLACES, TIMED, at, findings

from dagfactory.compiler.lint.asset_runs import MISSING

ASSETS = HEAD + "schedule: {assets: [images]}\n"
BOTH = HEAD + 'schedule: {assets: [images], cron: "0 3 * * *"}\nstart_date: 2026-01-05\n'
CASE = """
a: {type: bash, command: "echo day {{ ds }}"}
until: {type: wait_until, delay: 10m}
up: {type: wait_for_dag, dag: nightly, timeout: 1h}
"""


def places(found):
    return [(each.code, each.severity, each.span.line) for each in found]


def test_the_case(tmp_path):
    found = findings(tmp_path, CASE, "pipeline: asset_ds\nschedule: {assets: [images]}\n")
    assert places(found) == [("DF352", "error", line) for line in (4, 5, 6)]
    assert "dag_run.run_after" in found[0].help
    assert "dag_run.run_after + macros.timedelta(seconds=600)" in found[1].help


@pytest.mark.parametrize(
    ("head", "severity"), [(ASSETS, "error"), (BOTH, "warning")], ids=["assets", "assets and cron"]
)
@pytest.mark.parametrize("name", MISSING)
def test_each_variable_is_missing_and_each_advice_is_not(tmp_path, name, head, severity):
    (found,) = findings(tmp_path, at("a command", f"echo {{{{ {name} }}}}"), head)
    assert (found.code, found.severity) == ("DF352", severity)
    assert found.help == f"write `{MISSING[name]}`"
    assert findings(tmp_path, at("a command", f"echo {{{{ {MISSING[name]} }}}}"), head) == []


@pytest.mark.parametrize("place", PLACES)
def test_it_is_found_wherever_it_stands(tmp_path, place):
    wrong = findings(tmp_path, at(place, "{{ macros.ds_add(ds, -1) }}"), ASSETS)
    assert [each.code for each in wrong] == ["DF352"]
    right = at(place, "{{ macros.ds_add(dag_run.run_after | ds, -1) }}")
    assert findings(tmp_path, right, ASSETS) == []
    assert findings(tmp_path, at(place, "{{ macros.ds_add(ds, -1) }}"), HEAD + TIMED) == []
    assert findings(tmp_path, at(place, "{{ macros.ds_add(ds, -1) }}"), ASSETS, "airflow2") == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ logical_date.year }}",
        "{{ dag_run.logical_date.year }}",
        "{{ dag_run.data_interval_end.isoformat() }}",
        "{{ dag_run.data_interval_start.add(days=1) }}",
        "{% if ds == '2026-01-05' %}x{% endif %}",
        "{% set day = ds %}{{ day }}",
        "{{ ts[:10] }}",
        "{{ ds or run_id }}",
    ],
)
def test_relatives_are_found(tmp_path, text):
    assert places(findings(tmp_path, at("a variable", text), ASSETS))[0][:2] == ("DF352", "error")


@pytest.mark.parametrize(
    "text",
    [
        "{{ ds | default(run_id) }}",
        "{% if ds is defined %}{{ ds }}{% endif %}",
        "{{ (dag_run.logical_date or dag_run.run_after) | ds }}",
        "{{ dag_run.logical_date.year if dag_run.logical_date else 0 }}",
        "{{ dag_run.logical_date }}",
        "{{ dag_run.run_type }} {{ run_id }} {{ prev_start_date_success }}",
        "{% set ds = dag_run.run_after | ds %}{{ ds }}",
        "{{ '{{ ds }}' }} ds",
    ],
)
def test_what_asks_first_is_not(tmp_path, text):
    assert findings(tmp_path, at("a variable", text), ASSETS) == []


WAITING = {
    "a: {type: wait_until, delay: 10m}": (True, False),
    'a: {type: wait_until, time: "06:30"}': (True, False),
    'a: {type: wait_until, at: "{{ data_interval_end.add(hours=2) }}"}': (True, False),
    'a: {type: wait_until, at: "2026-01-05T06:30+01:00"}': (False, False),
    'a: {type: wait_until, at: "{{ dag_run.run_after }}"}': (False, None),
    'a: {type: wait_for_gcs, updated: "gs://b/x", timeout: 1h}': (True, False),
    'a: {type: wait_for_gcs, object: "gs://b/x", timeout: 1h}': (False, False),
    'a: {type: wait_for_gcs, prefix: "gs://b/x/", timeout: 1h}': (False, False),
    "a: {type: wait_for_dag, dag: nightly, timeout: 1h}": (True, True),
    "a: {type: wait_for_dag, dag: nightly, offset: 1h, timeout: 1h}": (True, True),
}


@pytest.mark.parametrize("task", WAITING)
def test_tasks_that_wait(tmp_path, task):
    for target, expected in zip(("airflow3", "airflow2"), WAITING[task], strict=True):
        if expected is not None:
            codes = [each.code for each in findings(tmp_path, task, ASSETS, target)]
            assert codes == ["DF352"] * expected
    if "run_after" not in task:
        assert findings(tmp_path, task, HEAD + TIMED) == []


def test_an_alert_is_sent_anyway(tmp_path):
    task = "a: {type: bash, command: work}"
    alerts = 'alerts: {on_failure: [{slack: {connection: c, message: "TEXT"}}]}\n'
    (found,) = findings(tmp_path, task, ASSETS + alerts.replace("TEXT", "{{ ds }}"))
    assert (found.code, found.severity) == ("DF352", "warning")
    assert findings(tmp_path, task, ASSETS + alerts.replace("TEXT", "{{ alert.date }}")) == []
