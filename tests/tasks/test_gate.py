"""`gate` on a query: SQL instead of a file of metrics."""

from __future__ import annotations

import pytest

GATE = "type: gate\nwhen: new_rows > 1000\nthen: before\n"


def test_a_query_is_paid_by_the_environments_project(lowered):
    made = lowered(GATE + "query: SELECT 1 AS new_rows\nlocation: europe-west4")
    assert made.symbol.name == "GateOperator"
    kept = {key: made.arguments.get(key) for key in ("metrics", "query", "project", "location")}
    assert kept == {
        "metrics": None,
        "query": "SELECT 1 AS new_rows",
        "project": "demo-project",
        "location": "europe-west4",
    }


def test_or_by_its_own(lowered):
    assert lowered(GATE + "query: SELECT 1\nproject: billing-1").arguments["project"] == "billing-1"


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ("", "DF121", "`it` lacks the key `metrics`"),
        ("metrics: m\nquery: SELECT 1", "DF123", "`metrics` and `query` exclude each other"),
        ("metrics: m\nproject: billing-1", "DF123", "`project` is about a query"),
        ("metrics: m\nlocation: EU", "DF123", "`location` is about a query"),
    ],
)
def test_faults(faults, more, code, message):
    assert faults(GATE + more) == [(code, message)]


COMPARED = """
type: gate
metrics:
  new: "gs://b/new.json"
  old: {model: arr-coc, file: ../evaluate/metrics.json, default: {accuracy: 0}}
when: new.accuracy > old.accuracy
then: before
"""


def test_sources_have_names_and_one_may_be_the_champion(lowered):
    made = lowered(COMPARED).arguments
    assert made["metrics"] == {
        "new": "gs://b/new.json",
        "old": {
            "model": "arr-coc",
            "alias": "champion",
            "file": "../evaluate/metrics.json",
            "project": "demo-project",
            "region": "us-central1",
            "default": {"accuracy": 0.0},
        },
    }
    assert made["when"] == ["cmp", ["metric", "new.accuracy"], ">", ["metric", "old.accuracy"]]


@pytest.mark.parametrize(
    ("line", "other", "code", "message"),
    [
        ("> old", "> older", "DF211", "`older` is not a source of this gate"),
        ("> old.accuracy", "> accuracy", "DF211", "`accuracy` is of no source"),
        ("> old.accuracy", "> old", "DF211", "`old` is a source"),
        ("> old.accuracy", "> 0.9", "DF227", "the condition asks nothing of `old`"),
        (
            "{accuracy: 0}",
            "{recall: 0}",
            "DF228",
            "the `default` of `old` has no `accuracy`, which the condition asks for",
        ),
        ("model: arr-coc, ", "", "DF121", "`old` lacks the key `address`"),
        ("../evaluate", "gs://b", "DF123", "`gs://b/metrics.json` is not a path"),
        ("  new:", "  params:", "DF123", "`params` is not a name of metrics"),
    ],
)
def test_faults_of_sources(faults, line, other, code, message):
    found = faults(COMPARED.replace(line, other))
    assert found, "nothing was found"
    assert (found[0][0], message in found[0][1]) == (code, True), found
