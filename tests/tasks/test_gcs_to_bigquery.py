"""`gcs_to_bigquery`: files, schema and table as the arguments of the load operator."""

from __future__ import annotations

import pytest

LOAD = "type: gcs_to_bigquery\ndestination: demo-project.d.t\n"


def test_files_of_another_task(lowered):
    made = lowered(LOAD + 'source: "${tasks.extract.uri}/*.avro"')
    assert made.arguments["operator"].endswith(".gcs_to_bigquery.GCSToBigQueryOperator")
    assert made.arguments["arguments"] == {
        "bucket": "demo-ml",
        "source_objects": ["runs/demo/{{ run_id }}/raw/*.avro"],
        "destination_project_dataset_table": "demo-project.d.t",
        "source_format": "AVRO",
        "autodetect": True,
        "write_disposition": "WRITE_TRUNCATE",
        "create_disposition": "CREATE_IF_NEEDED",
        "labels": {"team": "ml"},
        "project_id": "demo-project",
        "deferrable": True,
    }


def test_an_address_known_only_at_run_time_is_split_then(arguments):
    made = arguments(LOAD + 'source: "${tasks.before.result}/*.avro"')
    value = "(ti.xcom_pull(task_ids='before')) ~ '/*.avro'"
    assert made["bucket"] == "{{ (" + value + ").split('/', 3)[2] }}"
    assert made["source_objects"] == ["{{ (" + value + ").split('/', 3)[3] }}"]


def test_csv_with_a_schema_and_everything(arguments):
    made = arguments(
        LOAD
        + """
source: [gs://b-1/a/*.csv, gs://b-1/b.csv]
format: csv
schema:
  - {name: id, type: INT64, mode: required, description: Key.}
  - {name: tags, type: RECORD, mode: repeated, fields: [{name: t, type: STRING}]}
csv: {delimiter: "|", header_rows: 0, quote: "'", newlines_in_quotes: true, short_rows: true}
compression: gzip
max_bad_records: 3
ignore_unknown_values: true
write_disposition: append
schema_update: [allow_field_relaxation]
partition: {by: hour}
clustering: [id]
max_value_of: id
extra: {nullMarker: "NA"}
location: europe-west4
description: Tagged.
labels: {cost: data}
kms_key: projects/p/locations/eu/keyRings/r/cryptoKeys/k
impersonate: [a@p.iam.gserviceaccount.com]
"""
    )
    expected = {
        "bucket": "b-1",
        "source_objects": ["a/*.csv", "b.csv"],
        "autodetect": False,
        "schema_fields": [
            {"name": "id", "type": "INT64", "mode": "REQUIRED", "description": "Key."},
            {
                "name": "tags",
                "type": "RECORD",
                "mode": "REPEATED",
                "fields": [{"name": "t", "type": "STRING", "mode": "NULLABLE"}],
            },
        ],
        "field_delimiter": "|",
        "skip_leading_rows": 0,
        "quote_character": "'",
        "allow_quoted_newlines": True,
        "allow_jagged_rows": True,
        "encoding": "UTF-8",
        "compression": "GZIP",
        "max_bad_records": 3,
        "ignore_unknown_values": True,
        "write_disposition": "WRITE_APPEND",
        "schema_update_options": ["ALLOW_FIELD_RELAXATION"],
        "time_partitioning": {"type": "HOUR"},
        "cluster_fields": ["id"],
        "max_id_key": "id",
        "extra_config": {"nullMarker": "NA"},
        "description": "Tagged.",
        "labels": {"team": "ml", "cost": "data"},
        "location": "europe-west4",
        "encryption_configuration": {
            "kmsKeyName": "projects/p/locations/eu/keyRings/r/cryptoKeys/k"
        },
    }
    assert {key: made[key] for key in expected} == expected


def test_a_schema_in_a_file(arguments):
    made = arguments(LOAD + "source: gs://b-1/a.json\nformat: json\nschema_file: gs://b-2/s.json")
    assert (made["schema_object_bucket"], made["schema_object"]) == ("b-2", "s.json")


def test_an_external_table(arguments):
    assert arguments(LOAD + "source: gs://b-1/a/*\nexternal: true")["external_table"] is True


def test_outputs(compiled):
    plan = compiled(LOAD + "source: gs://b-1/a\nmax_value_of: id").plan
    assert plan
    assert set(plan.tasks["it"].outputs) == {"table", "uri", "max_value"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("source: /tmp/a.avro", "`/tmp/a.avro` is not an address in Cloud Storage"),
        ('source: "gs://b/{% if x %}{% endif %}"', "an address cannot hold `{% ... %}`"),
        ("source: [gs://b-1/a, gs://b-2/a]", "the files lie in different buckets"),
        (
            "source: gs://b-1/a\nschema: [{name: a, type: STRING}]\nschema_file: gs://b-1/s",
            "`schema` and `schema_file` exclude each other",
        ),
        ("source: gs://b-1/a\ncsv: {}", "`csv` says nothing about avro files"),
        ("source: gs://b-1/a\ncompression: gzip", "`compression` is for csv and json"),
        (
            "source: gs://b-1/a\nexternal: true\nclustering: [a]",
            "an external table cannot be clustered",
        ),
    ],
)
def test_faults(faults, more, message):
    assert faults(LOAD + more) == [("DF123", message)]
