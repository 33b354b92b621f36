"""Pipeline jobs through the real clients: which tasks run, with what, and how the run ends."""

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from googleapiclient.errors import HttpError

from dagfactory.emulator.pipelines.conditions import holds

PARENT = "projects/demo/locations/us-central1"
WRITE = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
OUT = "{{$.outputs.parameters['out'].output_file}}"


def container(code, *args):
    return {"container": {"image": "x", "command": ["python", "-c", code], "args": list(args)}}


def task(component, above=(), parameters=None, **more):
    sources = {"inputs": {"parameters": parameters}} if parameters else {}
    named = {"componentRef": {"name": component}, "dependentTasks": list(above)}
    return {**named, **sources, **more}


def component(name, inputs=(), outputs=()):
    both = (("inputDefinitions", inputs), ("outputDefinitions", outputs))
    kinds = {side: {"parameters": {k: {"parameterType": v} for k, v in of}} for side, of in both}
    return {"executorLabel": name, **kinds}


def of_input(name):
    return {"componentInputParameter": name}


def of_task(name, key="out"):
    return {"taskOutputParameter": {"producerTask": name, "outputParameterKey": key}}


def spec(tasks, components, executors, inputs=()):
    parameters = {name: {"parameterType": kind} for name, kind in inputs}
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "sample"},
        "components": components,
        "deploymentSpec": {"executors": executors},
        "root": {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": parameters}},
    }


def fails():
    return {"fails": container("raise SystemExit('lost')")}, {"fails": component("fails")}


@pytest.fixture
def submit(vertex, bucket):
    def submit(template, parameters=None, **runtime):
        config = {"gcsOutputDirectory": f"gs://{bucket.name}/root", **runtime}
        config["parameterValues"] = parameters or {}
        body = {"displayName": "p", "pipelineSpec": template, "runtimeConfig": config}
        name = f"p-{uuid4().hex}"
        call = vertex.pipelineJobs().create(parent=PARENT, pipelineJobId=name, body=body)
        return call.execute()["name"]

    return submit


@pytest.fixture
def ended(vertex):
    def ended(name: str) -> Any:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            job = vertex.pipelineJobs().get(name=name).execute()
            if "endTime" in job:
                return job
            time.sleep(0.05)
        pytest.fail(f"{name} stayed {job['state']}")

    return ended


def states(job):
    every = job["jobDetail"]["taskDetails"]
    return {each["taskName"]: each["state"] for each in every if "parentTaskId" in each}


def output(job, name):
    every = job["jobDetail"]["taskDetails"]
    found = next(each for each in every if each["taskName"] == name)
    return found["execution"]["metadata"]["output:out"]


def test_conditions_compare_typed_parameters_and_only_one_branch_runs(submit, ended):
    condition = "inputs.parameter_values['n'] {} 3 && inputs.parameter_values['n'] != 0"
    branch = {"n": of_task("count")}
    tasks = {
        "count": task("write", parameters={"text": of_input("n")}),
        "large": task(
            "look", parameters=branch, triggerPolicy={"condition": condition.format(">")}
        ),
        "small": task(
            "look", parameters=branch, triggerPolicy={"condition": condition.format("<=")}
        ),
        "after": task("look", above=["small"], parameters=branch),
    }
    components = {
        "write": component("write", [("text", "NUMBER_INTEGER")], [("out", "NUMBER_INTEGER")]),
        "look": component("look", [("n", "NUMBER_INTEGER")]),
    }
    executors = {
        "write": container(WRITE, OUT, "{{$.inputs.parameters['text']}}"),
        "look": container("pass"),
    }
    template = spec(tasks, components, executors, [("n", "NUMBER_INTEGER")])
    job = ended(submit(template, {"n": 7}))
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED", job
    assert states(job) == {
        "count": "SUCCEEDED",
        "large": "SUCCEEDED",
        "small": "NOT_TRIGGERED",
        "after": "NOT_TRIGGERED",
    }
    assert output(job, "count") == 7


@pytest.mark.parametrize(
    ("literal", "value"), [(r"'a\nb'", "a\nb"), (r"'it\'s'", "it's"), (r'"\\n"', r"\n")]
)
def test_texts_in_conditions_are_escaped_as_in_cel(literal, value):
    assert holds(f"inputs.parameter_values['a'] == {literal}", {"a": value})


def test_a_loop_collects_and_keeps_hostile_text(submit, ended):
    items = [
        "{{$.inputs.parameters['item']}}",
        '\'; rm -rf "$HOME"\n',
        "{{$}}",
        '{"Concat": ["a"]}',
    ]
    loop = {"itemInput": "item", "items": {"raw": json.dumps(items)}}
    joined = {"text": of_task("each")}
    tasks = {
        "each": task("write", parameterIterator=loop, iteratorPolicy={"parallelismLimit": 2}),
        "join": task("join", parameters=joined),
    }
    components = {
        "write": component("write", [("item", "STRING")], [("out", "STRING")]),
        "join": component("write2", [("text", "LIST")], [("out", "LIST")]),
    }
    executors = {
        "write": container(WRITE, OUT, "{{$.inputs.parameters['item']}}"),
        "write2": container(WRITE, OUT, "{{$.inputs.parameters['text']}}"),
    }
    job = ended(submit(spec(tasks, components, executors)))
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED", job
    assert output(job, "join") == items
    rounds = [each for each in job["jobDetail"]["taskDetails"] if each["taskName"][:5] == "each-"]
    assert len(rounds) == len(items)
    begun = [each["startTime"] for each in rounds]
    at_once = [sum(r["startTime"] <= at < r["endTime"] for r in rounds) for at in begun]
    assert max(at_once) <= 2


def test_an_exit_handler_hears_how_a_sub_dag_with_retries_ended(submit, ended):
    executors, components = fails()
    final = {"status": {"taskFinalStatus": {"producerTask": "body"}}}
    tasks = {
        "body": task("body"),
        "next": task("fails", above=["body"]),
        "exit": task(
            "exit",
            above=["body"],
            parameters=final,
            triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
        ),
    }
    inner = {"inner": task("fails", retryPolicy={"maxRetryCount": 1, "backoffDuration": "0s"})}
    components |= {
        "body": {"dag": {"tasks": inner}},
        "exit": component("exit", [("status", "STRUCT")], [("out", "STRUCT")]),
    }
    executors["exit"] = container(WRITE, OUT, "{{$.inputs.parameters['status']}}")
    job = ended(submit(spec(tasks, components, executors)))
    assert job["state"] == "PIPELINE_STATE_FAILED"
    assert states(job) == {
        "body": "FAILED",
        "inner": "FAILED",
        "next": "NOT_TRIGGERED",
        "exit": "SUCCEEDED",
    }
    assert output(job, "exit")["state"] == "FAILED"
    assert "lost" in job["error"]["message"]


def test_artifacts_pass_from_an_importer_through_a_task(submit, ended, bucket):
    bucket.blob("in.txt").upload_from_string(b"in")
    importer = {"artifactUri": {"constant": f"gs://{bucket.name}/in.txt"}}
    kind = {"artifacts": {"artifact": {"artifactType": {"schemaTitle": "system.Dataset"}}}}
    source = {"taskOutputArtifact": {"producerTask": "import", "outputArtifactKey": "artifact"}}
    tasks = {
        "import": task("import"),
        "copy": {**task("copy"), "inputs": {"artifacts": {"given": source}}},
    }
    components = {
        "import": {"executorLabel": "import", "outputDefinitions": kind},
        "copy": {"executorLabel": "copy", "outputDefinitions": kind},
    }
    paths = ("{{$.inputs.artifacts['given'].path}}", "{{$.outputs.artifacts['artifact'].path}}")
    code = "import shutil, sys; shutil.copy(*sys.argv[1:])"
    executors = {"import": {"importer": importer}, "copy": container(code, *paths)}
    job = ended(submit(spec(tasks, components, executors)))
    assert job["state"] == "PIPELINE_STATE_SUCCEEDED", job
    made = next(d for d in job["jobDetail"]["taskDetails"] if d["taskName"] == "copy")
    (artifact,) = made["outputs"]["artifact"]["artifacts"]
    name = artifact["uri"].removeprefix(f"gs://{bucket.name}/")
    assert bucket.blob(name).download_as_bytes() == b"in"


def test_a_cancelled_pipeline_ends_its_job_and_can_be_deleted(submit, ended, vertex):
    components, executors = (
        {"long": component("long")},
        {"long": container("import time; time.sleep(60)")},
    )
    name = submit(spec({"a": task("long"), "b": task("long", ["a"])}, components, executors))
    with pytest.raises(HttpError, match="cancel it first"):
        vertex.pipelineJobs().delete(name=name).execute()
    vertex.pipelineJobs().cancel(name=name, body={}).execute()
    job = ended(name)
    assert job["state"] == "PIPELINE_STATE_CANCELLED"
    assert set(states(job).values()) == {"CANCELLED"}
    with pytest.raises(HttpError, match="cannot be canceled"):
        vertex.pipelineJobs().cancel(name=name, body={}).execute()
    vertex.pipelineJobs().delete(name=name).execute()
    with pytest.raises(HttpError, match="was not found"):
        vertex.pipelineJobs().get(name=name).execute()


def test_a_dag_is_tried_again_where_the_first_failure_ends_the_run(submit, ended):
    executors, components = fails()
    components["body"] = {"dag": {"tasks": {"inner": task("fails")}}}
    again = {"maxRetryCount": 1, "backoffDuration": "0s"}
    tasks = {"body": task("body", retryPolicy=again), "next": task("fails", ["body"])}
    fast = "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    job = ended(submit(spec(tasks, components, executors), failurePolicy=fast))
    assert job["state"] == "PIPELINE_STATE_FAILED"
    ends = [(each["taskName"], each["state"]) for each in job["jobDetail"]["taskDetails"][2:]]
    assert ends == [("inner", "FAILED"), ("inner", "FAILED"), ("next", "NOT_TRIGGERED")]


def test_what_waits_to_be_tried_again_is_cancelled(submit, ended, vertex):
    executors, components = fails()
    again = {"maxRetryCount": 1, "backoffDuration": "3600s"}
    name = submit(spec({"a": task("fails", retryPolicy=again)}, components, executors))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        jobs = vertex.customJobs().list(parent=PARENT, filter="display_name=a").execute()
        if jobs and jobs["customJobs"][0]["state"] == "JOB_STATE_FAILED":
            break
        time.sleep(0.05)
    vertex.pipelineJobs().cancel(name=name, body={}).execute()
    assert ended(name)["state"] == "PIPELINE_STATE_CANCELLED"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"retryPolicy": {"maxRetryCount": -1}}, "is not a number from 0 to 100"),
        ({"triggerPolicy": {"condition": 5}}, "malformed"),
        ({"triggerPolicy": {"condition": "null < null"}}, "malformed"),
        ({"parameterIterator": {"itemInput": "i", "items": {"raw": "[" * 50_000}}}, "malformed"),
        ({"parameterIterator": {"itemInput": "i", "items": {"raw": '["\\ud800"]'}}}, "malformed"),
    ],
)
def test_a_malformed_task_fails_and_the_exit_handler_still_runs(submit, ended, change, text):
    executors, components = fails()
    executors["exit"], components["exit"] = container("pass"), component("exit")
    always = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    tasks = {"a": task("fails", **change), "exit": task("exit", ["a"], triggerPolicy=always)}
    job = ended(submit(spec(tasks, components, executors)))
    assert text in job["error"]["message"]
    assert states(job) == {"a": "FAILED", "exit": "SUCCEEDED"}


def test_outputs_that_no_struct_holds_fail_their_task(submit, ended):
    code = "import json, sys; open(sys.argv[1], 'w').write(json.dumps([chr(0xD800)]))"
    executors = {"write": container(code, OUT)}
    components = {"write": component("write", outputs=[("out", "LIST")])}
    job = ended(submit(spec({"a": task("write")}, components, executors)))
    assert states(job) == {"a": "FAILED"}


def test_a_full_quota_fails_the_task_alone(submit, ended, emulator):
    executors, components = fails()
    emulator.faults("quota:1")
    job = ended(submit(spec({"a": task("fails")}, components, executors)))
    assert "quota metrics exceed" in job["error"]["message"]
    assert states(job) == {"a": "FAILED"}


def many_tasks():
    """Return fifteen dags, each of four tasks that call the next one: 4 to the 15th tasks."""
    each = {f"t{number}": {} for number in range(4)}
    calls = {
        f"c{at}": {"dag": {"tasks": dict.fromkeys(each, task(f"c{at + 1}"))}} for at in range(15)
    }
    return {"components": {**calls, "c15": component("fails")}, "root": calls["c0"]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (many_tasks(), "more than 10000 tasks"),
        ({"root": {}}, "has no dag"),
        ({"root": {"dag": {"tasks": {"a": task("fails", ["a"])}}}}, "depend on each other"),
        ({"root": {"dag": {"tasks": {"a": task("none")}}}}, "is not a component"),
        ({"root": {"dag": {"tasks": []}}}, "Malformed pipeline_spec"),
        ({"components": {"fails": {"dag": {"tasks": {"b": task("fails")}}}}}, "nests more than"),
    ],
)
def test_a_template_that_no_run_could_follow_is_refused(submit, change, text):
    executors, components = fails()
    with pytest.raises(HttpError, match=text):
        submit({**spec({"a": task("fails")}, components, executors), **change})


def test_parameters_are_checked_before_anything_runs(submit):
    executors, components = fails()
    template = spec({"a": task("fails")}, components, executors, [("n", "NUMBER_INTEGER")])
    for given, text in (
        ({}, "has no value"),
        ({"n": "x"}, "not of type"),
        ({"n": 1, "m": 1}, "'m'"),
    ):
        with pytest.raises(HttpError, match=text):
            submit(template, given)
