"""Imported, compiled, rendered and read by a real Airflow: the DAGs that the source describes.

What is expected was worked out by hand from the source files, not from what the importer writes.
"""

import json
import os
import sys
from pathlib import Path

import processes
import pytest

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import write
from dagfactory.diagnostics.source import SourceFile, read
from dagfactory.importers import Options, Source, importer

CASES = Path(__file__).parent / "cases"
FILES = ("list_form", "dict_form", "groups", "merge_keys", "timetables", "assets", "dates")
FILES += ("default_args", "task_keys", "python_tasks", "mapping", "yaml11", "texts", "old_names")
SCRIPT = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
def arguments(task):
    names = ("bash_command", "function", "arguments", "env", "retries", "pool", "queue", "pool_slots",
             "priority_weight", "depends_on_past", "email", "gcp_conn_id", "owner", "doc_md",
             "retry_exponential_backoff")
    made = {name: getattr(task, name) for name in names if hasattr(task, name)}
    made["retry_delay"] = task.retry_delay.total_seconds()
    made["max_retry_delay"] = task.max_retry_delay and task.max_retry_delay.total_seconds()
    made["timeout"] = task.execution_timeout and task.execution_timeout.total_seconds()
    made["trigger_rule"] = task.trigger_rule.value
    return made
from airflow.serialization.serialized_objects import DagSerialization
def when(dag):
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
    text = type(timetable).__name__, timetable.summary
    assets = getattr(timetable, "asset_condition", None)
    uris = sorted(key.uri for key, _ in assets.iter_assets()) if assets else []
    return [text[0], uris or text[1]]
print(json.dumps({"errors": bag.import_errors, "dags": {dag.dag_id: {
    "tasks": {task.task_id: task.task_type for task in dag.tasks},
    "edges": sorted([task.task_id, other] for task in dag.tasks for other in task.downstream_task_ids),
    "groups": sorted(name for name in dag.task_group.get_task_group_dict() if name),
    "schedule": when(dag), "start": str(dag.start_date), "end": str(dag.end_date),
    "zone": str(dag.timezone), "catchup": dag.catchup, "tags": sorted(dag.tags),
    "description": dag.description, "doc": dag.doc_md, "params": dag.params.dump(),
    "active": [dag.max_active_runs, dag.max_active_tasks],
    "timeout": dag.dagrun_timeout and dag.dagrun_timeout.total_seconds(),
    "arguments": {task.task_id: arguments(task) for task in dag.tasks},
} for dag in bag.dags.values()}}))
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    folder = tmp_path_factory.mktemp("import")
    specs = []
    for name in FILES:
        source = read(CASES / f"{name}.yml", f"{name}.yml")
        assert isinstance(source, SourceFile)
        for outcome in importer("dag_factory").read([Source(source)], Options())[0].outcomes:
            path = folder / f"{name}.{outcome.pipeline}.yaml"
            # two files of cases use a name twice; Airflow needs them apart
            path.write_text(
                outcome.text.replace(
                    f"pipeline: {outcome.pipeline}", f"pipeline: {name}_{outcome.pipeline}", 1
                )
            )
            specs.append(path)
    built = build(specs, None)
    assert built.bundle, built.diagnostics
    write(built.bundle, folder / "dags")
    environment = os.environ | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(folder / "dags"),
    }
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder / "dags")]
    result = processes.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["errors"] == {}
    return found["dags"]


def graph(dag):
    return dag["tasks"], [f"{up} > {down}" for up, down in dag["edges"]], dag["groups"]


GRAPHS = {
    "list_form_orders": (
        {"extract": "BashOperator", "load": "BashOperator", "done": "EmptyOperator"},
        ["extract > load", "load > done"],
        [],
    ),
    "dict_form_first": (
        {"begin": "EmptyOperator", "work": "BashOperator"},
        ["begin > work"],
        [],
    ),
    "groups_grouped": (
        {
            "start": "EmptyOperator",
            "outer.a": "BashOperator",
            "outer.inner.b": "BashOperator",
            "outer.inner.c": "BashOperator",
            "end": "EmptyOperator",
            "lonely": "EmptyOperator",
        },
        [
            "outer.a > outer.inner.b",
            "outer.inner.b > end",
            "outer.inner.c > end",
            "start > outer.a",
            "start > outer.inner.c",
        ],
        ["outer", "outer.inner"],
    ),
    "merge_keys_merged": ({"a": "BashOperator", "b": "BashOperator"}, ["a > b"], []),
    "mapping_mapped": (
        {
            "request": "BashOperator",
            "outputs.items": "ItemsOperator",
            "outputs.each": "BashOperator",
            "legacy.items": "ItemsOperator",
            "legacy.each": "BashOperator",
            "after_all": "EmptyOperator",
        },
        [
            "legacy.each > after_all",
            "legacy.items > legacy.each",
            "outputs.each > after_all",
            "outputs.items > outputs.each",
            "request > legacy.items",
            "request > outputs.items",
        ],
        ["legacy", "outputs"],
    ),
    "default_args_arguments": (
        {
            "shell": "BashOperator",
            "nothing": "EmptyOperator",
            "code": "CallOperator",
            "query": "BigQueryInsertJobOperator",
        },
        [],
        [],
    ),
}


@pytest.mark.airflow
@pytest.mark.parametrize("name", GRAPHS)
def test_tasks_edges_and_groups(dags, name):
    assert graph(dags[name]) == GRAPHS[name]


SCHEDULES = {
    "list_form_orders": ["CronTriggerTimetable", "15 4 * * *"],
    "dict_form_first": ["CronTriggerTimetable", "0 0 * * *"],
    "dict_form_second": ["NullTimetable", "None"],
    "groups_grouped": ["CronTriggerTimetable", "0 * * * *"],
    "merge_keys_merged": ["CronTriggerTimetable", "0 0 * * 0"],
    "timetables_trigger": ["CronTriggerTimetable", "0 1 * * 3"],
    "timetables_interval": ["DeltaTriggerTimetable", "6:00:00"],
    "timetables_delta": ["DeltaTriggerTimetable", "1:30:00"],
    "timetables_delta_in_place": ["DeltaTriggerTimetable", "1 day, 0:00:30"],
    "timetables_own_class": ["NullTimetable", "None"],
    "assets_texts": ["AssetTriggeredTimetable", ["s3://b/one.csv", "s3://b/two.csv"]],
    "assets_all_of": ["AssetTriggeredTimetable", ["s3://b/one.csv", "s3://b/two.csv"]],
    "assets_condition": ["AssetTriggeredTimetable", ["s3://b/one.csv", "s3://b/two.csv"]],
    "assets_wrapped": ["AssetTriggeredTimetable", ["s3://b/one.csv"]],
    "assets_any_of": ["AssetTriggeredTimetable", ["s3://b/one.csv", "s3://b/two.csv"]],
    "dates_object": ["OnceTimetable", "@once"],
    "dates_none": ["CronTriggerTimetable", "0 6 * * 1-5"],
    "old_names_old": ["CronTriggerTimetable", "0 3 * * *"],
}


@pytest.mark.airflow
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(dags, name):
    assert dags[name]["schedule"] == SCHEDULES[name]


@pytest.mark.airflow
def test_dates(dags):
    starts = {name: dags[f"dates_{name}"]["start"] for name in ("offset", "both", "object")}
    assert starts == {
        "offset": "2025-01-01 05:30:00+00:00",
        "both": "2025-01-31 15:00:00+00:00",
        "object": "2025-04-02 03:00:00+00:00",
    }
    assert dags["dates_offset"]["end"] == "2025-12-31 23:00:00+00:00"
    assert dags["dates_offset"]["zone"] == "Europe/Amsterdam"


@pytest.mark.airflow
def test_keys_of_a_dag(dags):
    orders = dags["list_form_orders"]
    assert orders["description"] == "Orders of the day: extract, load"
    assert (orders["tags"], orders["catchup"]) == (["on", "shop"], False)
    old = dags["old_names_old"]
    assert (old["active"][1], old["timeout"]) == (1, 600)
    booleans = dags["yaml11_booleans"]
    assert (booleans["catchup"], booleans["active"][0]) == (True, 8)
    expected = {"dry": False, "rate": 1000, "ratio": "1e3", "time": 750, "name": "no"}
    assert booleans["params"] == expected
    texts = dags["texts_texts"]
    assert texts["doc"] == '# Title\n\nwith: a colon, a "quote", a tab\t and an emoji 😀\n'
    assert texts["tags"] == sorted(["yes", "1.0", "null", "a: b", "- c", "é"])


@pytest.mark.airflow
def test_arguments(dags):
    orders = dags["list_form_orders"]["arguments"]
    assert orders["extract"]["bash_command"] == "./extract {{ ds }}"
    assert orders["load"]["bash_command"] == (
        'set -e\nload "{{ ds }}"   # not a comment of YAML\necho done\n'
    )
    assert (orders["load"]["retries"], orders["load"]["retry_delay"]) == (2, 300)
    assert orders["load"]["retry_exponential_backoff"] == 0
    assert {each["owner"] for each in orders.values()} == {"shop"}
    texts = dags["texts_texts"]["arguments"]
    assert texts["a"]["bash_command"] == "  leading\n    and deeper\n"
    assert texts["b"]["bash_command"] == "folded text: # kept"
    assert texts["c"]["bash_command"] == "echo 1 two"


@pytest.mark.airflow
def test_what_tasks_do_not_say_is_what_airflow_says(dags):
    found = dags["dict_form_first"]["arguments"]["work"]
    assert (found["retries"], found["pool"], found["timeout"]) == (0, "default_pool", None)
    assert (found["trigger_rule"], found["depends_on_past"]) == ("all_success", False)
    assert found["owner"] == "first_team"


@pytest.mark.airflow
def test_arguments_of_groups_and_tasks(dags):
    found = dags["groups_grouped"]["arguments"]
    assert (found["outer.inner.b"]["retries"], found["outer.inner.b"]["pool"]) == (3, "small")
    assert (found["outer.inner.c"]["retries"], found["outer.inner.c"]["pool"]) == (1, "small")
    assert (found["outer.a"]["retries"], found["outer.a"]["pool"]) == (0, "default_pool")
    assert found["end"]["trigger_rule"] == "all_done"


@pytest.mark.airflow
def test_default_args(dags):
    found = dags["default_args_arguments"]["arguments"]
    for task in found.values():
        assert (task["retries"], task["pool"], task["priority_weight"]) == (1, "small", 5)
        assert (task["owner"], task["trigger_rule"]) == ("shop", "none_failed_min_one_success")
        assert task["retry_exponential_backoff"]
        assert task["max_retry_delay"] == 24 * 3600
    assert {found[name]["timeout"] for name in ("shell", "code", "query")} == {3600}
    assert found["shell"]["depends_on_past"]
    assert found["query"]["email"] is None  # an alert of the DAG's defaults
    assert found["query"]["gcp_conn_id"] == "shop"


@pytest.mark.airflow
def test_keys_of_a_task(dags):
    found = dags["task_keys_tasks"]["arguments"]
    common = found["common"]
    assert (common["retries"], common["retry_delay"], common["max_retry_delay"]) == (20, 300, 1800)
    assert (common["pool"], common["pool_slots"], common["queue"]) == ("large", 2, "big")
    assert (common["priority_weight"], common["trigger_rule"]) == (7, "one_success")
    assert (common["doc_md"], common["timeout"]) == ("Says a.", 91)
    assert found["other_operator"]["depends_on_past"]
    assert found["environment_kept"]["env"] == {"NAME": "x"}
    assert found["script"]["bash_command"] == "scripts/run.sh"


@pytest.mark.airflow
def test_functions(dags):
    found = dags["python_tasks_functions"]["arguments"]
    assert found["by_path"]["function"] == "shop.report.write"
    assert found["by_path"]["arguments"] == {"day": "{{ ds }}"}
    assert found["by_file"]["function"] == "shop.report.write"
    assert found["from_environment"]["function"] == "lib.report.write"
    assert "exit 1" in found["branch"]["bash_command"]
