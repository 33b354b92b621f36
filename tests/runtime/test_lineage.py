"""What a task reads and writes, in OpenLineage's names."""

from __future__ import annotations

import pytest

from dagfactory.runtime import lineage
from dagfactory.runtime.job import VertexJobOperator

pytestmark = pytest.mark.airflow


def test_names_are_bucket_and_path_each_once():
    found = ["gs://b/x/", "gs://b/x/", "gs://b", "https://b/x"]
    assert lineage.names(found) == [("gs://b", "x"), ("gs://b", "/")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("--prefix=gs://", []),
        ("gs://a/b,gs://c/d", ["gs://a/b", "gs://c/d"]),
        ('{"x":"gs://a/b"}', ["gs://a/b"]),
    ],
)
def test_addresses_are_found_in_texts(text, found):
    assert list(lineage.addresses([text])) == found


def test_a_job_reads_its_arguments_and_environment_and_writes_its_folders():
    container = {
        "args": [
            "--textures=gs://b/in",
            "--own=gs://b/runs/1/x",
            "--of=gs://b/runs/10",
            "--epochs=3",
        ],
        "env": [{"name": "DATA", "value": "gs://c/data"}],
    }
    job = {
        "workerPoolSpecs": [{"containerSpec": container}],
        "baseOutputDirectory": {"outputUriPrefix": "gs://b/runs/1"},
    }
    operator = VertexJobOperator(task_id="train", job=job, project="p", region="us-central1")
    assert operator.reads() == ["gs://b/in", "gs://b/runs/10", "gs://c/data"]
    assert operator.writes() == ["gs://b/runs/1/model", "gs://b/runs/1/checkpoints"]
