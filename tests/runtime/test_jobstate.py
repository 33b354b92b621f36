"""What Vertex AI's answers about a job mean."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dagfactory.runtime import jobstate

CAPACITY = [
    ("The zone has STOCKOUT", None, True),
    ("Resources are insufficient in region: us-central1.", None, True),
    ("exceed quota limits: aiplatform.googleapis.com/custom_model_training_nvidia_a100", 8, True),
    ("429 RESOURCE_EXHAUSTED: try again later", None, True),
    ("Try again later", 8, True),
    ("429 RESOURCE_EXHAUSTED: Quota exceeded for requests per minute", None, False),
    ("INTERNAL: something broke", 13, False),
    ("Replica workerpool0-0 exited with a non-zero status of 1. insufficient memory", None, False),
    ("The replica exited with a non-zero status of 1. RESOURCE_EXHAUSTED: CUDA OOM", 8, False),
]


@pytest.mark.parametrize(("text", "code", "lacking"), CAPACITY)
def test_a_missing_machine_is_told_from_other_errors(text, code, lacking):
    assert jobstate.lacks_capacity(text, code) is lacking


def test_a_failure_shows_state_words_and_link():
    text = jobstate.failure(
        {"name": "n", "state": "PIPELINE_STATE_FAILED", "error": {"message": "boom\ntail"}}, "link"
    )
    assert text == "n ended in PIPELINE_STATE_FAILED\nboom\ntail\nlink"


START = {"startTime": "2026-01-05T03:00:00.000000000Z", "endTime": "2026-01-05T03:10:00.5Z"}
LIMITS = [("600s", True), ("601s", False), ("600.5s", True), ("0s", False), (None, False)]


@pytest.mark.parametrize(("limit", "over"), LIMITS)
@pytest.mark.parametrize("key", ["jobSpec", "trainingTaskInputs"])
def test_a_job_that_used_up_its_time_is_told_from_one_that_was_cancelled(key, limit, over):
    assert jobstate.overran({**START, key: {"scheduling": {"timeout": limit}}}) is over


def test_a_job_that_never_started_did_not_use_up_its_time():
    spec = {"scheduling": {"timeout": "1s"}}
    assert not jobstate.overran({"endTime": START["endTime"], "jobSpec": spec})


with Path(__file__).with_name("vertex_errors.tsv").open(encoding="utf-8", newline="") as file:
    RECORDED = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.parametrize("row", RECORDED, ids=[row["source"] for row in RECORDED])
def test_recorded_texts_lead_to_another_place_where_it_may_help(row):
    code = int(row["code"]) if row["code"] else None
    helps = jobstate.another_place_may_help(row["text"], code)
    assert helps is (row["another_place_may_help"] == "yes")
