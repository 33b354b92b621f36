"""Training pipelines through the real REST client: what a job sees, how it ends, lists."""

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from googleapiclient.errors import HttpError

PARENT = "projects/demo/locations/us-central1"


def job_directory(emulator, pipeline):
    backing = pipeline["trainingTaskMetadata"]["backingCustomJob"]
    return emulator.state / "jobs" / backing.rsplit("/", 1)[-1]


def job_log(emulator, pipeline, attempt=1):
    return (job_directory(emulator, pipeline) / f"attempt-{attempt}.log").read_text()


def test_a_job_sees_what_vertex_sets(create, reach, emulator):
    shown = (
        "AIP_MODEL_DIR AIP_CHECKPOINT_DIR AIP_TENSORBOARD_LOG_DIR CLOUD_ML_PROJECT_ID GCSFUSE_ROOT"
    )
    code = (
        "import json, os, sys; print(json.dumps({**{n: os.environ[n] for n in sys.argv[1].split()},"
        "'python': sys.executable, 'cwd': os.getcwd(), "
        "'cluster': json.loads(os.environ['CLUSTER_SPEC'])}))"
    )
    spec = create(code, labels={"team": "ml"})["trainingTaskInputs"]
    spec["workerPoolSpecs"][0]["containerSpec"]["args"].append(shown)
    done = reach(create(code, trainingTaskInputs=spec))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED"
    seen = json.loads(job_log(emulator, done))
    assert seen == {
        "AIP_MODEL_DIR": "gs://demo-ml/runs/x/model/",
        "AIP_CHECKPOINT_DIR": "gs://demo-ml/runs/x/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": "gs://demo-ml/runs/x/logs/",
        "CLOUD_ML_PROJECT_ID": "demo",
        "GCSFUSE_ROOT": str(emulator.state / "gcs"),
        "python": sys.executable,
        "cwd": str(Path.cwd()),
        "cluster": {
            "cluster": {"workerpool0": ["127.0.0.1:2222"]},
            "environment": "cloud",
            "task": {"type": "workerpool0", "index": 0, "trial": ""},
        },
    }
    assert done["startTime"] <= done["endTime"]


def test_a_job_reaches_storage_both_ways(create, reach, emulator, bucket):
    code = f"""
import os, pathlib
root = pathlib.Path(os.environ["GCSFUSE_ROOT"], "{bucket.name}")
(root / "in.txt").rename(root / "moved.txt")
from google.cloud import storage
storage.Client().bucket("{bucket.name}").blob("made.txt").upload_from_string("made")
"""
    bucket.blob("in.txt").upload_from_string(b"in")
    done = reach(create(code))
    assert done["state"] == "PIPELINE_STATE_SUCCEEDED", done
    assert sorted(blob.name for blob in bucket.list_blobs()) == ["made.txt", "moved.txt"]


def test_a_failing_job_carries_the_words_of_vertex_and_the_end_of_its_log(create, reach):
    done = reach(create("print('loading'); raise SystemExit('CUDA out of memory')"))
    assert done["state"] == "PIPELINE_STATE_FAILED"
    message = done["error"]["message"]
    assert message.startswith("The replica workerpool0-0 exited with a non-zero status of 1.")
    assert "https://console.cloud.google.com/logs/viewer?project=demo" in message
    assert message.endswith("loading\nCUDA out of memory")
    assert done["error"]["code"] == 3


def test_killed_by_signal_9_is_137(create, reach):
    done = reach(create("import os; os.kill(os.getpid(), 9)"))
    assert "non-zero status of 137" in done["error"]["message"]


def test_a_program_that_does_not_exist_is_127(create, reach):
    spec = create("pass")["trainingTaskInputs"]
    spec["workerPoolSpecs"][0]["containerSpec"]["command"] = ["no-such-program"]
    done = reach(create("pass", trainingTaskInputs=spec))
    assert "non-zero status of 127" in done["error"]["message"]
    assert "no-such-program" in done["error"]["message"]


def test_an_image_without_a_command_says_what_to_do(create, reach):
    spec = create("pass")["trainingTaskInputs"]
    del spec["workerPoolSpecs"][0]["containerSpec"]["command"]
    done = reach(create("pass", trainingTaskInputs=spec))
    assert "--entrypoint" in done["error"]["message"]


def test_the_end_of_a_container_is_the_end_of_its_children(create, reach, emulator):
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    done = reach(create(code))
    child = int(job_log(emulator, done))
    assert not is_running(child)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


def test_cancel_stops_the_process_and_its_children(create, reach, vertex, emulator, tmp_path):
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    code = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '600']); "
        f"open({str(ready)!r}, 'w').write(str(p.pid)); time.sleep(600)"
    )
    pipeline = create(code)
    child = int(ready.read_text())
    vertex.trainingPipelines().cancel(name=pipeline["name"], body={}).execute()
    done = reach(pipeline)
    assert done["state"] == "PIPELINE_STATE_CANCELLED"
    assert not is_running(child)
    assert not is_running(int((job_directory(emulator, done) / "pid").read_text()))
    with pytest.raises(HttpError, match="PIPELINE_STATE_CANCELLED and cannot be canceled"):
        vertex.trainingPipelines().cancel(name=pipeline["name"], body={}).execute()


def test_a_timeout_looks_like_a_cancellation(create, reach):
    done = reach(create("import time; time.sleep(600)", {"timeout": "0.2s"}))
    assert done["state"] == "PIPELINE_STATE_CANCELLED"
    assert done["error"] == {"code": 1, "message": "CANCELED"}


def test_list_by_labels_state_and_name(create, reach, vertex):
    run = uuid4().hex[:16]
    first = reach(create("pass", labels={"dagfactory-run": run, "t": "1"}, displayName="one"))
    second = reach(create("exit(1)", labels={"dagfactory-run": run, "t": "2"}, displayName="two"))

    def names(text):
        found = vertex.trainingPipelines().list(parent=PARENT, filter=text).execute()
        return [each["name"] for each in found.get("trainingPipelines", [])]

    mine = f'labels.dagfactory-run="{run}"'
    assert names(mine) == [second["name"], first["name"]]
    assert names(f"{mine} AND labels.t=1") == [first["name"]]
    assert names(f'{mine} AND state="PIPELINE_STATE_FAILED"') == [second["name"]]
    assert names(f"{mine} AND (state=PIPELINE_STATE_RUNNING OR display_name=one)") == [
        first["name"]
    ]
    assert names(f"{mine} AND NOT display_name=one") == [second["name"]]
    assert names(f'{mine} AND labels.t="3"') == []
    with pytest.raises(HttpError, match="Invalid list filter"):
        names(f"{mine} AND")


def test_list_pages(create, reach, vertex):
    mine = f"labels.run={uuid4().hex[:16]}"
    made = [
        reach(create("pass", labels={"run": mine.removeprefix("labels.run=")}))["name"]
        for _ in range(3)
    ]
    pipelines = vertex.trainingPipelines()
    request = pipelines.list(parent=PARENT, filter=mine, pageSize=2)
    pages = []
    while request is not None:
        page = request.execute()
        pages.append([each["name"] for each in page["trainingPipelines"]])
        request = pipelines.list_next(request, page)
    assert pages == [made[:0:-1], made[:1]]


def test_a_pipeline_uploads_its_model(create, reach, vertex):
    done = reach(create("pass", modelToUpload={"displayName": "arr-coc"}))
    model = done["modelToUpload"]
    assert (model["versionId"], model["artifactUri"]) == ("1", "gs://demo-ml/runs/x/model")
    assert vertex.models().get(name=model["name"]).execute()["displayName"] == "arr-coc"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"displayName": ""}, "display_name"),
        ({"trainingTaskDefinition": "gs://x/automl.yaml"}, "custom_task_1.0.0"),
        ({"trainingTaskInputs": {"workerPoolSpecs": [{"scheduling": {}}]}}, "scheduling"),
        ({"trainingTaskInputs": {"workerPoolSpecs": []}}, "worker_pool_specs"),
        ({"trainingTaskInputs": {"workerPoolSpecs": [{"replicaCount": "2"}]}}, "replica_count"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_vertex_refuses(create, change, text):
    with pytest.raises(HttpError, match=text) as refusal:
        create("pass", **change)
    assert refusal.value.status_code == 400


def test_all_that_is_wrong_is_listed(create, vertex):
    """The rules themselves: test_refused_jobs.py."""
    with pytest.raises(
        HttpError, match=r"1\.Field: training_pipeline\.labels.*2\.Field"
    ) as refusal:
        create("pass", {"maxWaitDuration": "60s"}, labels={"A": "B"})
    assert refusal.value.status_code == 400
    pool = {"machineSpec": {"machineType": "foo-bar-4"}, "replicaCount": 1}
    body = {"displayName": "x" * 129, "jobSpec": {"workerPoolSpecs": [pool]}}
    with pytest.raises(HttpError, match=r"1\.Field: custom_job\.display_name.*2\..*3\.Field"):
        vertex.customJobs().create(parent=PARENT, body=body).execute()
    body = {"displayName": "t", "trialJobSpec": {"workerPoolSpecs": [pool]}}
    with pytest.raises(HttpError, match=r"worker_pool_specs\[0\]\.task"):
        vertex.hyperparameterTuningJobs().create(parent=PARENT, body=body).execute()
    assert (
        not vertex.hyperparameterTuningJobs().list(parent=PARENT, filter="display_name=t").execute()
    )


def test_what_is_not_there(vertex):
    with pytest.raises(HttpError) as refusal:
        vertex.trainingPipelines().get(name=f"{PARENT}/trainingPipelines/1").execute()
    assert refusal.value.status_code == 404


def test_only_an_ended_pipeline_can_be_deleted(create, reach, vertex, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    pipeline = create(f"open({str(gate)!r}).read()")
    with pytest.raises(HttpError, match="has not ended"):
        vertex.trainingPipelines().delete(name=pipeline["name"]).execute()
    gate.write_text("go")
    reach(pipeline)
    vertex.trainingPipelines().delete(name=pipeline["name"]).execute()
    with pytest.raises(HttpError):
        vertex.trainingPipelines().get(name=pipeline["name"]).execute()
