"""Every way in which a checkpoint can be bad is a check of its own."""

from __future__ import annotations

import copy
import math

import pytest

from dagfactory.runtime import manifest

BASE = "gs://b/run/train/checkpoints"
GOOD = {
    "schema_version": 1,
    "step": 1200,
    "planned_steps": 1200,
    "complete": True,
    "loss": 0.12,
    "states": {"head": {"tensors": 4, "parameters": 9, "finite": True}},
    "files": {"state.pt": {"sha256": "ab", "bytes": 10}},
}
REQUIRE = {"states": ["head"], "max_loss": 10.0, "complete": True, "min_step": 1000}


def test_a_good_manifest_passes_every_check():
    checks = list(manifest.checks(GOOD, REQUIRE))
    assert [item["check"] for item in checks] == [
        "schema_version",
        "complete",
        "min_step",
        "max_loss",
        "state head",
    ]
    assert all(item["passed"] for item in checks)


BAD = [
    ({"schema_version": 2}, "schema_version"),
    ({"complete": False}, "complete"),
    ({"complete": "yes"}, "complete"),
    ({"step": 999}, "min_step"),
    ({"step": None}, "min_step"),
    ({"loss": 10.1}, "max_loss"),
    ({"loss": None}, "max_loss"),
    ({"loss": math.nan}, "max_loss"),
    ({"loss": -math.inf}, "max_loss"),
    ({"loss": True}, "max_loss"),
    ({"states": {}}, "state head"),
    ({"states": {"head": {"tensors": 4, "finite": False}}}, "state head"),
    ({"states": {"head": {"tensors": 4}}}, "state head"),
    ({"states": {"head": {"tensors": 0, "finite": True}}}, "state head"),
]


@pytest.mark.parametrize(("change", "check"), BAD, ids=[str(c) for c, _ in BAD])
def test_each_defect_fails_its_own_check(change, check):
    made = copy.deepcopy(GOOD) | change
    failed = [item["check"] for item in manifest.checks(made, REQUIRE) if not item["passed"]]
    assert failed == [check]


def test_an_unknown_requirement_fails():
    failed = [item for item in manifest.checks(GOOD, {"min_los": 1}) if not item["passed"]]
    assert [item["check"] for item in failed] == ["min_los"]


@pytest.mark.parametrize("document", [None, [], "x"])
def test_what_is_no_manifest_fails(document):
    assert [item["passed"] for item in manifest.checks(document, {})] == [False]
    assert [item["passed"] for item in manifest.file_checks(document, BASE, {})] == [False]


@pytest.mark.parametrize(("size", "detail"), [(None, "is missing"), (9, "has 9 bytes")])
def test_a_file_that_is_missing_or_cut_short_fails(size, detail):
    sizes = {} if size is None else {f"{BASE}/step-00001200/state.pt": size}
    (check,) = manifest.file_checks(GOOD, f"{BASE}/step-00001200", sizes)
    assert not check["passed"]
    assert detail in check["detail"]


def test_the_newest_step_with_a_manifest_is_taken():
    sizes = {
        f"{BASE}/step-00000900/manifest.json": 1,
        f"{BASE}/step-00001000/manifest.json": 1,
        f"{BASE}/step-00001000/state.pt": 1,
        f"{BASE}/step-00001100/state.pt": 1,
        f"{BASE}/step-x/manifest.json": 1,
    }
    assert manifest.newest(sizes) == f"{BASE}/step-00001000"
    assert manifest.unfinished(sizes) == 1
    assert manifest.newest({}) is None
