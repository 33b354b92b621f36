"""The environment contract with Vertex AI, and metrics for hyperparameter tuning."""

import json

import pytest

from trainer.distributed import rendezvous
from trainer.errors import TrainerError, UsageError
from trainer.report.metrics import report_tuning
from trainer.vertex import Cluster, Process, local_path, read_cluster, read_context

SPEC = {
    "cluster": {"workerpool0": ["host-0:2222"], "workerpool1": ["host-1:2222", "host-2:2222"]},
    "environment": "cloud",
    "task": {"type": "workerpool1", "index": 1},
    "job": "{}",
}


def test_gs_addresses_are_files_under_the_mount(tmp_path):
    environment = {
        "GCSFUSE_ROOT": str(tmp_path),
        "AIP_MODEL_DIR": "gs://bucket/run/train/model/",
        "AIP_CHECKPOINT_DIR": "gs://bucket/run/train/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": "gs://bucket/run/train/logs/",
        "CLOUD_ML_JOB_ID": "123",
    }
    found = read_context(environment, output="ignored")
    base = tmp_path / "bucket/run/train"
    assert (found.model_dir, found.checkpoint_dir) == (base / "model", base / "checkpoints")
    assert (found.log_dir, found.job_id) == (base / "logs", "123")
    assert found.metric_file is None


def test_output_serves_where_vertex_does_not(tmp_path):
    found = read_context({}, output=str(tmp_path))
    assert (found.model_dir, found.checkpoint_dir) == (tmp_path / "model", tmp_path / "checkpoints")


def test_the_model_directory_alone_tells_the_rest():
    found = read_context({"AIP_MODEL_DIR": "/data/x/model/"}, output=None)
    assert str(found.checkpoint_dir) == "/data/x/checkpoints"


def test_nowhere_to_write_is_a_usage_error():
    with pytest.raises(UsageError, match="--output=DIR"):
        read_context({}, output=None)


def test_a_missing_mount_is_named():
    with pytest.raises(TrainerError, match="needs the Cloud Storage FUSE mount at /nowhere"):
        local_path("gs://b/p", {"GCSFUSE_ROOT": "/nowhere"})


def test_plain_paths_need_no_mount():
    assert str(local_path("a/b", {"GCSFUSE_ROOT": "/nowhere"})) == "a/b"


def test_cluster_spec_gives_rank_and_master():
    assert read_cluster({"CLUSTER_SPEC": json.dumps(SPEC)}) == Cluster(2, 3, "host-0", 2222)


def test_the_primary_is_rank_zero():
    spec = SPEC | {"task": {"type": "workerpool0", "index": 0}}
    assert read_cluster({"CLUSTER_SPEC": json.dumps(spec)}).rank == 0


def test_cluster_spec_wins_over_the_other_variables():
    environment = {"CLUSTER_SPEC": json.dumps(SPEC), "RANK": "0", "WORLD_SIZE": "1"}
    assert read_cluster(environment).machines == 3


def test_local_rank_tells_torchrun_from_vertex():
    started = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "CLUSTER_SPEC": json.dumps(SPEC)}
    found = read_context(started, output="x")
    assert found.process == Process(started=True, rank=5, world_size=8, local_rank=1)
    assert found.cluster.rank == 2
    assert read_context({"RANK": "5", "WORLD_SIZE": "8"}, output="x").process == Process()


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        # One machine; the job's field as Vertex AI adds it.
        ({"cluster": {"workerpool0": ["127.0.0.1:2222"]}, "environment": "cloud",
          "task": {"type": "workerpool0", "index": 0, "trial": ""}}, ("c10d", "localhost:0", None)),
        # The first of three.
        (SPEC | {"task": {"type": "workerpool0", "index": 0}}, ("static", "host-0:2222", 0)),
        # The last of three.
        (SPEC, ("static", "host-0:2222", 2)),
        # Names and ports as a job with open ports has them.
        ({"cluster": {"workerpool0": ["cmle-training-workerpool0-84fbb1d2a3-0:2222"],
                      "workerpool1": ["cmle-training-workerpool1-84fbb1d2a3-0:2222"]},
          "task": {"type": "workerpool1", "index": 0}, "open_ports": [2222]},
         ("static", "cmle-training-workerpool0-84fbb1d2a3-0:2222", 1)),
    ],
)  # fmt: skip
def test_agents_meet_at_the_primary(spec, expected):
    found = rendezvous(read_cluster({"CLUSTER_SPEC": json.dumps(spec)}))
    rank = found.get("rdzv_configs", {}).get("rank")
    assert (found["rdzv_backend"], found["rdzv_endpoint"], rank) == expected


def test_variables_of_vertex_serve_without_cluster_spec():
    environment = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "m", "MASTER_PORT": "99"}
    assert read_cluster(environment) == Cluster(1, 4, "m", 99)


@pytest.mark.parametrize("text", ["{", "[]", '{"cluster": {}}'])
def test_an_unreadable_cluster_spec_is_one_line(text):
    with pytest.raises(TrainerError, match="CLUSTER_SPEC cannot be read"):
        read_cluster({"CLUSTER_SPEC": text})


def test_tuning_gets_a_line_per_evaluation(tmp_path):
    path = tmp_path / "hypertune" / "output.metrics"
    environment = {"CLOUD_ML_HP_METRIC_FILE": str(path), "CLOUD_ML_TRIAL_ID": "7"}
    context = read_context(environment, output=str(tmp_path))
    report_tuning(context, "val_accuracy", 0.5, 10)
    report_tuning(context, "val_accuracy", 0.75, 20)
    first, second = (json.loads(line) for line in path.read_text().splitlines())
    assert first.pop("timestamp") <= second["timestamp"]
    assert first == {
        "trial": "7", "val_accuracy": "0.5", "global_step": "10", "checkpoint_path": "",
    }  # fmt: skip


def test_a_trial_without_a_metric_file_uses_the_default():
    context = read_context({"CLOUD_ML_TRIAL_ID": "7"}, output="x")
    assert str(context.metric_file) == "/tmp/hypertune/output.metrics"
