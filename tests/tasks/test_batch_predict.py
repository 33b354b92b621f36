"""`batch_predict`: files and tables in, files and tables out."""

from __future__ import annotations

import pytest

HEAD = "type: batch_predict\nmodel: projects/p/locations/l/models/7@2\n"


def test_files_to_files(lowered):
    made = lowered(HEAD + "source: gs://a-1/*.jsonl")
    assert made.arguments["operator"].endswith(
        ".batch_prediction_job.CreateBatchPredictionJobOperator"
    )
    assert made.arguments["arguments"] == {
        "project_id": "demo-project",
        "region": "us-central1",
        "job_display_name": "demo-it",
        "model_name": "projects/p/locations/l/models/7@2",
        "gcs_source": ["gs://a-1/*.jsonl"],
        "instances_format": "jsonl",
        "gcs_destination_prefix": "gs://demo-ml/runs/demo/{{ run_id }}/it",
        "predictions_format": "jsonl",
        "machine_type": "n1-standard-4",
        "labels": {"team": "ml"},
        "deferrable": True,
    }


def test_tables_with_everything(arguments):
    made = arguments(
        HEAD
        + """
source: bq://p.d.t
destination: bq://p.out
parameters: {confidence: 0.5}
machine: {type: g2-standard-8, accelerator: {type: NVIDIA_L4, count: 1}, replicas: 2, max_replicas: 4}
batch_size: 16
explain: true
name: nightly
labels: {cost: data}
kms_key: k
region: europe-west4
project: other-project
poll: 1m
"""
    )
    assert made == {
        "project_id": "other-project",
        "region": "europe-west4",
        "job_display_name": "nightly",
        "model_name": "projects/p/locations/l/models/7@2",
        "bigquery_source": "bq://p.d.t",
        "instances_format": "bigquery",
        "bigquery_destination_prefix": "bq://p.out",
        "predictions_format": "bigquery",
        "machine_type": "g2-standard-8",
        "accelerator_type": "NVIDIA_L4",
        "accelerator_count": 1,
        "starting_replica_count": 2,
        "max_replica_count": 4,
        "model_parameters": {"confidence": 0.5},
        "batch_size": 16,
        "generate_explanation": True,
        "labels": {"team": "ml", "cost": "data"},
        "encryption_spec_key_name": "k",
        "deferrable": True,
        "poll_interval": 60,
    }


def test_vertex_may_choose_the_machines(arguments):
    assert "machine_type" not in arguments(HEAD + "source: gs://a-1/x\nmachine: null")


def test_outputs(compiled):
    files = compiled(HEAD + "source: gs://a-1/x").plan.tasks["it"].outputs
    tables = compiled(HEAD + "source: gs://a-1/x\ndestination: bq://p.d").plan.tasks["it"].outputs
    assert "['gcs_output_directory']" in files["uri"]
    assert "['bigquery_output_table']" in tables["table"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("source: p.d.t", "`p.d.t` is neither files nor a table"),
        ("source: [bq://p.d.t, gs://a-1/x]", "a table is the only source"),
        ("source: bq://p.d.t\ninstances_format: csv", "`instances_format` is about files"),
        (
            "source: gs://a-1/x\ndestination: bq://p.d\npredictions_format: csv",
            "`predictions_format` is about files",
        ),
        (
            "source: gs://a-1/x\npredictions_format: csv\nexplain: true",
            "CSV files cannot hold attributions",
        ),
        (
            "source: gs://a-1/x\nmachine: {replicas: 5, max_replicas: 2}",
            "`max_replicas` is smaller than `replicas`",
        ),
    ],
)
def test_faults(faults, more, message):
    assert faults(HEAD + more) == [("DF123", message)]
