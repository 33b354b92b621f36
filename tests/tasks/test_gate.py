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
