"""`gcs_copy`, `gcs_delete` and `wait_for_gcs`: addresses as buckets and names."""

from __future__ import annotations

import jinja2
import pytest

from dagfactory.tasks._address import _later

RUN = "runs/demo/{{ run_id }}"


def test_a_folder_is_synchronized(lowered):
    made = lowered("type: gcs_copy\nsource: gs://a-1/x/\ndestination: ${run.dir}/y/\nmirror: true")
    assert made.arguments["operator"].endswith(".operators.gcs.GCSSynchronizeBucketsOperator")
    assert made.arguments["arguments"] == {
        "source_bucket": "a-1",
        "destination_bucket": "demo-ml",
        "source_object": "x/",
        "destination_object": f"{RUN}/y/",
        "recursive": True,
        "allow_overwrite": True,
        "delete_extra_files": True,
    }


def test_one_object_is_matched_exactly_and_required(lowered):
    made = lowered(
        "type: gcs_copy\nsource: gs://a-1/x.json\ndestination: gs://b-1/\noverwrite: false"
    )
    assert made.arguments["operator"].endswith(".transfers.gcs_to_gcs.GCSToGCSOperator")
    assert made.arguments["arguments"] == {
        "source_bucket": "a-1",
        "destination_bucket": "b-1",
        "source_object": "x.json",
        "exact_match": True,
        "destination_object": "",
        "move_object": False,
        "replace": False,
        "source_object_required": True,
    }


def test_a_pattern_is_a_glob_below_its_folder(arguments):
    made = arguments(
        "type: gcs_copy\nsource: gs://a-1/x/y-*.avro\ndestination: gs://b-1/z/\nmove: true"
    )
    assert (made["source_object"], made["match_glob"]) == ("x/", "x/y-*.avro")
    assert made["move_object"] is True
    assert "exact_match" not in made


def test_moving_a_folder(arguments):
    made = arguments("type: gcs_copy\nsource: gs://a-1/x/\ndestination: gs://b-1/z/\nmove: true")
    assert (made["source_object"], made["exact_match"]) == ("x/", False)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("source: gs://a-1/x/\ndestination: gs://b-1/x", "many objects need a folder"),
        ("source: gs://a-1/*\ndestination: gs://b-1/x", "many objects need a folder"),
        (
            "source: gs://a-1/x\ndestination: gs://b-1/x\nmirror: true",
            "`mirror` is for copying a folder",
        ),
        ("source: gs://a-1/x\ndestination: gs://b-1/*", "a destination has no `*`"),
    ],
)
def test_faults_of_copying(faults, more, message):
    assert faults("type: gcs_copy\n" + more) == [("DF123", message)]


def test_deleting_objects(arguments):
    made = arguments(
        "type: gcs_delete\nobjects: [gs://a-1/x, gs://a-1/y]\nmissing_ok: false\nconnection: c"
    )
    assert made == {
        "bucket_name": "a-1",
        "objects": ["x", "y"],
        "ignore_error": False,
        "gcp_conn_id": "c",
    }


def test_deleting_a_folder(arguments):
    made = arguments("type: gcs_delete\nfolder: ${run.dir}/raw/")
    assert made == {"bucket_name": "demo-ml", "prefix": f"{RUN}/raw/", "ignore_error": True}


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ("", "DF121", "`it` lacks the key `objects`"),
        ("objects: gs://a/x\nfolder: gs://a/y/", "DF123", "`objects` and `folder` exclude"),
        ("objects: gs://a/x/", "DF123", "`gs://a/x/` is not one object"),
        ("objects: gs://a/*", "DF123", "`gs://a/*` is not one object"),
        ("folder: gs://a/x", "DF123", "`gs://a/x` is not a folder"),
        ("folder: gs://a/", "DF123", "this would delete the whole bucket"),
        ("folder: ${env.bucket}/", "DF123", "this would delete the whole bucket"),
        ("objects: [gs://a-1/x, gs://b-1/x]", "DF123", "the objects lie in different buckets"),
    ],
)
def test_faults_of_deleting(faults, more, code, message):
    ((found, text),) = faults("type: gcs_delete\n" + more)
    assert found == code
    assert message in text


@pytest.mark.parametrize(
    ("more", "sensor", "expected"),
    [
        ("object: gs://a-1/x", "GCSObjectExistenceSensor", {"object": "x"}),
        (
            "object: gs://a-1/*.csv",
            "GCSObjectExistenceSensor",
            {"object": "*.csv", "use_glob": True},
        ),
        ("prefix: gs://a-1/x/", "GCSObjectsWithPrefixExistenceSensor", {"prefix": "x/"}),
        ("updated: gs://a-1/x", "GCSObjectUpdateSensor", {"object": "x"}),
    ],
)
def test_waiting(lowered, more, sensor, expected):
    made = lowered(
        f"type: wait_for_gcs\n{more}\npoll: 5m\ntimeout: 2h\non_timeout: skip\nconnection: c"
    )
    assert made.arguments["operator"] == f"airflow.providers.google.cloud.sensors.gcs.{sensor}"
    assert made.arguments["arguments"] == {
        "bucket": "a-1",
        **expected,
        "deferrable": True,
        "poke_interval": 300,
        "timeout": 7200,
        "soft_fail": True,
        "google_cloud_conn_id": "c",
    }
    assert "execution_timeout" not in made.arguments


def test_what_was_found_is_offered(compiled):
    plan = compiled("type: wait_for_gcs\nprefix: gs://a-1/x/").plan
    assert plan
    assert set(plan.tasks["it"].outputs) == {"uri", "objects"}


def test_faults_of_waiting(faults):
    assert faults("type: wait_for_gcs") == [("DF121", "`it` lacks the key `object`")]
    ((code, message),) = faults("type: wait_for_gcs\nobject: gs://a/x\nupdated: gs://a/y")
    assert (code, message) == ("DF123", "`object` and `updated` exclude each other")


@pytest.mark.parametrize(
    "text", ["{{ whole }}", "{{ whole }}/it's/{{ ds }}", "gs://{{ bucket | lower }}-x/a b"]
)
def test_splitting_at_run_time(text):
    known = {"whole": "gs://bucket/some/where", "ds": "2026-01-05", "bucket": "B"}
    whole = jinja2.Template(text).render(known)
    _, _, bucket, name = whole.split("/", 3)
    assert jinja2.Template(_later(text, 2)).render(known) == bucket
    assert jinja2.Template(_later(text, 3)).render(known) == name
