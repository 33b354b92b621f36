"""A compiled pipeline from a DAG: launched once, attached to, its outputs handed on, cancelled."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from deferred import Task

from dagfactory.runtime.awaited import cancel_left_jobs
from dagfactory.runtime.pipeline_run import PipelineRunOperator
from dagfactory.runtime.pipeline_template import returned

pytestmark = [
    pytest.mark.usefixtures("connected"),
    pytest.mark.airflow,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

TEMPLATE = Path(__file__).parent / "templates/evaluation.yaml"
FAILED = "PIPELINE_STATE_FAILED"


@pytest.fixture
def template(bucket: Path) -> str:
    """Put the template where a sync would."""
    (bucket / "evaluation.yaml").write_bytes(TEMPLATE.read_bytes())
    return "gs://demo-ml/evaluation.yaml"


@pytest.fixture
def task(template: str) -> Any:
    """Return a task instance with parameters of its own."""

    def made(name: str = "", ti: dict[str, Any] | None = None, **given: Any) -> Task:
        name = name or f"t{uuid4().hex[:8]}"
        place = {"project": "demo", "region": "us-central1", "poll": 1, "retries": 0}
        where = {"template": template, "root": f"gs://demo-ml/runs/{name}"}
        arguments = {**place, **where, **given, "task_id": name}
        return Task(lambda: PipelineRunOperator(**arguments), SimpleNamespace(**(ti or {})))

    return made


def test_its_outputs_are_handed_on(task: Any) -> None:
    made = task(parameters={"model": "gs://m", "limit": "0.7", "steps": 0.0, "deep": None})
    made.execute()
    assert made.deferral.trigger.path.endswith("RunPipelineJobTrigger")
    job = made.reach(0)
    found = made.resume(status="success", message="", job={"name": job["name"]})
    assert found == {
        "job": job["name"],
        "state": "PIPELINE_STATE_SUCCEEDED",
        "outputs": {"Output": 0.7},
        "metrics": {"Output": 0.7},
    }
    assert job["runtimeConfig"]["gcsOutputDirectory"] == f"gs://demo-ml/runs/{made.ti.task_id}"
    assert made.ti.xcom_pull(key="pipeline_job_conf").endswith("?project=demo")


def test_a_retry_attaches_and_after_a_failure_begins_anew(task: Any) -> None:
    made = task(parameters={"model": "lost", "steps": 2}, ti={"max_tries": 1})
    made.execute()
    name = made.waits_for
    made.reach(0, "RUNNING")
    made.execute()  # the worker died; a second try
    assert made.waits_for == name
    job = made.reach(0)
    with pytest.raises(AirflowException, match="runs/") as caught:
        made.resume(status="error", message="", job={"name": job["name"]})
    assert not isinstance(caught.value, AirflowFailException)
    made.execute()
    assert made.waits_for == f"{name.removesuffix('-1')}-2"
    assert len(made.jobs()) == 2


def test_a_run_that_was_deleted_is_not_counted(task: Any) -> None:
    made = task(parameters={"model": "lost"}, ti={"max_tries": 5})
    for number in (1, 2):
        made.execute()
        job = made.reach(number - 1)
        with pytest.raises(AirflowException):
            made.resume(status="error", message="", job={"name": job["name"]})
    made.make().client().call("DELETE", made.jobs()[0]["name"])
    made.execute()
    assert made.waits_for.endswith("-3")


def test_a_pipeline_that_is_asked_for_otherwise_replaces_the_first(task: Any) -> None:
    first = task(parameters={"model": "m", "steps": 60})
    first.execute()
    first.reach(0, "RUNNING")
    second = task(first.ti.task_id, parameters={"model": "other"})
    second.execute()  # waits for the end of the first
    assert second.reach(0)["state"] == "PIPELINE_STATE_CANCELLED"
    second.resume(status="error", message="")
    assert second.reach(1)["runtimeConfig"]["parameterValues"] == {"model": "other"}


def test_a_killed_task_leaves_nothing(task: Any) -> None:
    made = task(parameters={"model": "m", "steps": 60})
    made.execute()
    made.reach(0, "RUNNING")
    cancel_left_jobs({"ti": made.ti, "task": made.make()})
    assert made.reach(0)["state"] == "PIPELINE_STATE_CANCELLED"


def test_who_cancels_it_in_the_console_has_decided(task: Any) -> None:
    made = task(parameters={"model": "m", "steps": 60})
    made.execute()
    job = made.reach(0, "RUNNING")
    made.cancel(0)
    made.reach(0)
    with pytest.raises(AirflowFailException, match="cancelled outside this task"):
        made.resume(status="error", message="", job={"name": job["name"]})


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"modle": "m"}, "takes no parameter `modle`"),
        ({"model": "m", "limit": "high"}, "`limit` takes a value of type NUMBER_DOUBLE"),
        ({"model": "m", "steps": 1.5}, "`steps` takes a value of type NUMBER_INTEGER"),
        ({"model": "m", "steps": True}, "`steps` takes a value of type NUMBER_INTEGER"),
        ({"model": "m", "deep": 1}, "`deep` takes a value of type BOOLEAN"),
        ({"model": "m", "tags": "{}"}, "`tags` takes a value of type LIST"),
        ({"model": "m", "more": [1]}, "`more` takes a value of type STRUCT"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_launched(
    task: Any, parameters: dict[str, Any], words: str
) -> None:
    made = task(parameters=parameters)
    with pytest.raises(AirflowFailException, match=words):
        made.execute()
    assert made.jobs() == []


def test_texts_become_the_types_of_the_template(task: Any) -> None:
    texts = {"tags": "[1]", "more": '{"a": 1}', "deep": "True", "steps": "0", "limit": "1"}
    made = task(parameters={"model": 7, **texts})
    made.execute()
    values = made.reach(0)["runtimeConfig"]["parameterValues"]
    assert values == {
        "model": "7", "tags": [1], "more": {"a": 1}, "deep": True, "steps": 0, "limit": 1,
    }  # fmt: skip


@pytest.mark.parametrize("content", ["{", "[]", "root: {}", "a: *b", "root: {dag: {}"])
def test_a_text_that_is_no_template(task: Any, bucket: Path, content: str) -> None:
    (bucket / "broken").write_text(content)
    with pytest.raises(AirflowFailException, match="gs://demo-ml/broken: it"):
        task(template="gs://demo-ml/broken").execute()


def test_a_template_that_is_not_there(task: Any) -> None:
    with pytest.raises(AirflowFailException, match="404"):
        task(template="gs://demo-ml/none").execute()


@pytest.mark.parametrize("caching", [True, False])
def test_caching_of_every_task(task: Any, caching: bool) -> None:
    made = task(
        parameters={"model": "m"},
        caching=caching,
        failure_policy="PIPELINE_FAILURE_POLICY_FAIL_FAST",
    )
    made.execute()
    job = made.reach(0)
    spec = json.dumps(job["pipelineSpec"])
    assert spec.count(f'"enableCache": {str(caching).lower()}') == 2
    assert job["runtimeConfig"]["failurePolicy"] == "PIPELINE_FAILURE_POLICY_FAIL_FAST"


@pytest.mark.parametrize("listed", [True, False])
def test_outputs_are_found_whether_the_pipeline_itself_is_listed_or_not(listed: bool) -> None:
    dag = {
        "tasks": {"score": {"componentRef": {"name": "comp-score"}}},
        "outputs": {
            "parameters": {
                "best": {
                    "valueFromParameter": {"producerSubtask": "score", "outputParameterKey": "out"}
                }
            }
        },
    }
    declared = {"parameters": {"best": {"parameterType": "NUMBER_DOUBLE"}}}
    template = {"root": {"dag": dag, "outputDefinitions": declared}, "components": {}}
    above = {"parentTaskId": "1"} if listed else {}
    score = {"taskId": "2", "taskName": "score", "execution": {"metadata": {"output:out": 0.5}}}
    details = [{"taskId": "1", "taskName": "p-1"}] if listed else []
    assert returned(template, [*details, {**score, **above}]) == {"best": 0.5}
