import pytest

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.vertex.filters import compile_filter

JOB = {
    "displayName": "train one",
    "state": "PIPELINE_STATE_RUNNING",
    "createTime": "2026-11-23T10:00:00Z",
    "labels": {"dagfactory-run": "abc", "a": "1"},
    "deployedModels": [{"id": "1"}],
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        'display_name="train one"',
        "displayName='train one'",
        'display_name="train*"',
        "display_name:one",
        "labels.dagfactory-run=abc",
        "labels.dagfactory-run:*",
        "labels:a",
        "labels.none!=x",
        'state="PIPELINE_STATE_RUNNING" AND labels.a="1"',
        "state=X OR state=PIPELINE_STATE_RUNNING",
        "labels.a=1 AND state=X OR state=PIPELINE_STATE_RUNNING",  # OR binds tighter
        "NOT state=X",
        "(state=X OR labels.a=1) AND NOT (labels.a=2)",
        "labels.a=1 state=PIPELINE_STATE_RUNNING",
        'create_time>"2026-11-22T00:00:00Z" AND create_time<="2026-11-23T10:00:00Z"',
        "deployed_models:*",
    ],
)
def test_fits(text):
    assert compile_filter(text)(JOB)


@pytest.mark.parametrize(
    "text",
    [
        "display_name=train",
        "labels.dagfactory-run=ab",
        "labels.none:*",
        "labels.none=x",
        "labels:b",
        "state!=PIPELINE_STATE_RUNNING",
        "NOT labels.a=1",
        "state=X OR labels.a=2",
        "labels.a=1 AND state=X",
        "a.b.c=1",
        'create_time>"2026-11-24T00:00:00Z"',
    ],
)
def test_does_not_fit(text):
    assert not compile_filter(text)(JOB)


NODE = {
    "in_context": ["p/contexts/a"],
    "metadata": {"n": {"numberValue": 10.0}, "k:1": {"boolValue": True}},
}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('in_context("p/contexts/a")', True),
        ('in_context("p/contexts")', False),
        ('in_context("p/contexts/a") AND NOT in_context("b")', True),
        ("metadata.n.number_value = 10", True),
        ("metadata.n.number_value > 9", True),  # as numbers: as texts it would not
        ("metadata.n.number_value >= 11", False),
        ('metadata."k:1".bool_value = true', True),
    ],
)
def test_nodes_of_metadata_stores(text, fits):
    assert compile_filter(text)(NODE) is fits


@pytest.mark.parametrize(
    "text", ["=", "a", "a=", "a=(", "(a=1", "a=1)", "AND", 'a="x', "a=1 OR", "~", 'f("a"', "f()"]
)
def test_malformed(text):
    with pytest.raises(ApiError, match="Invalid list filter"):
        compile_filter(text)
