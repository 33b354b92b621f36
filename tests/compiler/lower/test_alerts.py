"""Every way to tell somebody, where each list stands, and what lies beside the DAG."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle, write
from dagfactory.project.files import FileError

ENVIRONMENT = (
    "environment: dev\nproject: arr-coc-dev\nregion: us-central1\nbucket: gs://arr-coc-dev\n"
)
TASKS = 'tasks: {a: {type: bash, command: "true"}}\n'


def bundle(folder: Path, spec: str, environment: str = "") -> Bundle:
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments/dev.yaml").write_text(ENVIRONMENT + environment)
    (folder / "p.yaml").write_text(f"pipeline: p\n{spec}")
    built = build([folder / "p.yaml"], "dev")
    assert built.bundle, built.diagnostics
    return built.bundle


WAYS = {
    "slack: {connection: c, channel: '#ml', message: 'x ${run.id}'}": (
        'SlackAlert(event="failure", connection="c", channel="#ml", message="x {{ run_id }}")'
    ),
    "email: {to: a@b.c, subject: s, body: b, cc: [d@e.f], sender: g@h.i, connection: k}": (
        'EmailAlert(event="failure", to=["a@b.c"], subject="s", body="b", cc=["d@e.f"],'
        ' sender="g@h.i", connection="k")'
    ),
    "pagerduty: {connection: c, message: m}": (
        'PagerDutyAlert(event="failure", connection="c", severity="error", message="m")'
    ),
    "webhook: {connection: c, body: {a: [1, '{{ alert.title }}']}}": (
        'WebhookAlert(event="failure", connection="c", body={"a": [1, "{{ alert.title }}"]})'
    ),
    "python: {callable: m.f, args: {x: 1}}": (
        'PythonAlert(event="failure", function="m.f", args={"x": 1})'
    ),
}


def flat(text: str) -> str:
    """Return code without its layout."""
    return " ".join(text.split()).replace("( ", "(").replace(", )", ")").replace(",)", ")")


@pytest.mark.parametrize(("way", "code"), WAYS.items())
def test_every_way_to_tell(tmp_path: Path, way: str, code: str) -> None:
    dag = bundle(tmp_path, f"alerts: {{on_failure: [{{{way}}}]}}\n{TASKS}").dags["p.py"]
    assert f'"on_failure_callback": [{code}' in flat(dag).replace("[ ", "[")


def test_no_way_is_forgotten_here() -> None:
    from dagfactory.language.alerts import Notifier

    assert {way.partition(":")[0] for way in WAYS} == set(Notifier.model_fields)


def test_the_runtime_has_every_class_and_every_event() -> None:
    from dagfactory.dagfile.checks.shape import ALERTS as ACCEPTED
    from dagfactory.language.alerts import Alerts
    from dagfactory.runtime.alert import ALERTS
    from dagfactory.runtime.alert_context import _TITLES
    from dagfactory.task_api.alerts import _CLASSES

    assert set(_CLASSES.values()) == set(ALERTS) == ACCEPTED
    keys = {key.removeprefix("on_") for key in Alerts.model_fields}
    assert keys - {"monitoring"} == set(_TITLES)


LATE = "alerts: {on_failure: [{slack: {connection: c, message: m}}], deadline: 90m}\n"


def test_a_deadline_tells_whom_failures_are_told_in_its_own_words(tmp_path: Path) -> None:
    dag = flat(bundle(tmp_path, LATE + TASKS).dags["p.py"])
    made = 'run_deadline(within=timedelta(minutes=90), alerts=[SlackAlert(event="deadline", connection="c")]'
    assert f"deadline={made}" in dag


def test_a_deadline_tells_whom_it_names(tmp_path: Path) -> None:
    named = "deadline: {within: 1h, notify: [{email: {to: a@b.c, subject: s}}]}"
    spec = f"alerts: {{on_run_failure: [{{slack: {{connection: c}}}}], {named}}}\n"
    dag = flat(bundle(tmp_path, spec + TASKS).dags["p.py"])
    assert 'alerts=[EmailAlert(event="deadline", to=["a@b.c"], subject="s")]' in dag


def test_for_airflow_2_the_deadline_is_all_that_is_missing(tmp_path: Path) -> None:
    new = bundle(tmp_path, LATE + TASKS).dags["p.py"].splitlines()
    old = bundle(tmp_path, LATE + TASKS, "target: airflow2\n").dags["p.py"].splitlines()
    text = "\n".join(line for line in new if line not in old)
    assert "deadline" in text
    gone = [line for line in old if line not in new and not line.startswith("#")]
    assert gone == [line for line in gone if "import" in line]


POOLS = "pools: {gpu: {slots: 4, description: A100s}, api: {slots: 1, count_waiting: false}}\n"


def test_pools_are_what_airflow_imports(tmp_path: Path) -> None:
    made = bundle(tmp_path, TASKS, POOLS)
    assert json.loads(made.files["pools.json"]) == {
        "api": {"slots": 1, "description": "", "include_deferred": False},
        "gpu": {"slots": 4, "description": "A100s", "include_deferred": True},
    }
    assert "pools.json" in json.loads(made.manifest)["files"]
    assert "pools.json" not in bundle(tmp_path, TASKS).files


MONITORED = """\
description: Trains on $${HOME}.
owner: ml-team
alerts:
  on_failure: [{slack: {connection: c}}]
  deadline: 8h
  monitoring:
    failures: 2
    period: 25h
    severity: critical
    channels: [projects/p/notificationChannels/1]
"""


def policy(made: Bundle) -> dict[str, Any]:
    return json.loads(made.files["p.alerts.json"])


def test_a_policy_is_beside_the_dag(tmp_path: Path) -> None:
    made = bundle(tmp_path, MONITORED + TASKS, "composer: ml-dev\n")
    assert "p.alerts.json" in json.loads(made.manifest)["files"]
    found = policy(made)
    failures, duration = (each["conditionThreshold"] for each in found["conditions"])
    assert failures["filter"] == (
        'resource.type = "cloud_composer_workflow" AND resource.labels.workflow_name ='
        ' monitoring.regex.full_match("ml-dev[.]p")'
        ' AND metric.type = "composer.googleapis.com/workflow/run_count"'
        ' AND metric.labels.state = "failed"'
    )
    assert (failures["thresholdValue"], failures["comparison"]) == (1, "COMPARISON_GT")
    assert failures["aggregations"][0]["alignmentPeriod"] == "90000s"
    assert duration["thresholdValue"] == 8 * 3600
    assert 'workflow/run_duration"' in duration["filter"]
    assert found["severity"] == "CRITICAL"
    assert found["notificationChannels"] == ["projects/p/notificationChannels/1"]
    assert "Trains on ${HOME}.\n\nOwner: ml-team." in found["documentation"]["content"]


def test_without_a_composer_environment_any_will_do_and_durations_are_optional(
    tmp_path: Path,
) -> None:
    found = policy(bundle(tmp_path, f"alerts: {{monitoring: {{}}}}\n{TASKS}"))
    (failures,) = found["conditions"]
    assert 'full_match("(.+[.]p|p)")' in failures["conditionThreshold"]["filter"]
    assert failures["conditionThreshold"]["thresholdValue"] == 0


def schema() -> dict[str, Any]:
    """Return the messages of the published API, from the document that Google's client carries."""
    document = files("googleapiclient.discovery_cache.documents").joinpath("monitoring.v3.json")
    return json.loads(document.read_text())["schemas"]


def unlike(value: Any, wanted: dict[str, Any], known: dict[str, Any], path: str = "") -> list[str]:
    """Return where a value is not what a schema of a discovery document says."""
    if "$ref" in wanted:
        return unlike(value, known[wanted["$ref"]], known, path)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}
    if not isinstance(value, kinds[wanted["type"]]):
        return [f"{path}: {value!r}"]
    if "enum" in wanted and value not in wanted["enum"]:
        return [f"{path}: {value!r}"]
    if isinstance(value, list):
        return [each for item in value for each in unlike(item, wanted["items"], known, path)]
    if not isinstance(value, dict):
        return []
    if "properties" not in wanted:
        return unlike(
            list(value.values()),
            {"type": "array", "items": wanted["additionalProperties"]},
            known,
            path,
        )
    found = [f"{path}.{key}: unknown" for key in value if key not in wanted["properties"]]
    for key in value.keys() & wanted["properties"].keys():
        found += unlike(value[key], wanted["properties"][key], known, f"{path}.{key}")
    return found


@pytest.mark.parametrize("spec", [MONITORED, "alerts: {monitoring: {}}\n"])
def test_a_policy_is_the_message_that_the_api_publishes(tmp_path: Path, spec: str) -> None:
    found = policy(bundle(tmp_path, spec + TASKS))
    known = schema()
    assert unlike(found, known["AlertPolicy"], known) == []
    wrong = {**found, "combiner": "EITHER", "condition": [], "severity": 1}
    assert len(unlike(wrong, known["AlertPolicy"], known)) == 3


def test_an_interrupted_write_is_finished_and_a_foreign_file_is_left(tmp_path: Path) -> None:
    first = bundle(tmp_path, MONITORED + TASKS, POOLS)
    out = tmp_path / "out"
    write(first, out)
    (out / MANIFEST).unlink()
    again = bundle(tmp_path, MONITORED.replace("8h", "9h") + TASKS, POOLS.replace("4", "5"))
    assert set(write(again, out).changed) >= {"p.alerts.json", "pools.json"}
    for name in ("p.alerts.json", "pools.json"):
        (out / MANIFEST).unlink()
        for text in ("{not json", '{"displayName": "mine"}', '{"gpu": {"slots": 1}}'):
            (out / name).write_text(text)
            with pytest.raises(FileError, match=name):
                write(again, out)
        (out / name).unlink()
        write(again, out)
