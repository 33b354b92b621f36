"""Checkpoints in real storage: the newest finished one is read, and all that is wrong is said."""

from __future__ import annotations

import hashlib
import json

import pytest

pytestmark = pytest.mark.airflow

CONTENT = b"weights" * 1000
STATE = {"tensors": 2, "parameters": 7, "finite": True}


def save(directory, step, manifest=True, content=CONTENT, **changes):
    place = directory / f"step-{step:08d}"
    place.mkdir(parents=True)
    (place / "state.pt").write_bytes(content)
    document = {
        "schema_version": 1,
        "step": step,
        "epoch": 1,
        "planned_steps": 1200,
        "complete": True,
        "loss": 0.5,
        "states": {"propositional": STATE, "perspectival": STATE},
        "files": {
            "state.pt": {"sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT)}
        },
    }
    if manifest:
        (place / "manifest.json").write_text(json.dumps(document | changes))


@pytest.fixture(scope="module")
def checkpoints(airflow, bucket):
    root = bucket / "checkpoints"
    save(root / "good", 1100)
    save(root / "good", 1200)
    save(root / "newest_unfinished", 1000)
    save(root / "newest_unfinished", 1100, manifest=False)
    save(
        root / "broken",
        7,
        content=b"cut",
        loss=float("nan"),
        complete=False,
        states={"propositional": STATE | {"finite": False}},
    )
    save(root / "flipped", 1200, content=CONTENT[:-1] + b"!")
    save(root / "empty", 3, manifest=False)
    return airflow.run("checkpoints")


def test_a_good_checkpoint_passes_with_every_check_listed(checkpoints):
    answer = checkpoints.xcom("good")
    assert answer["checkpoint"] == "gs://demo-ml/checkpoints/good/step-00001200"
    assert (answer["step"], answer["loss"]) == (1200, 0.5)
    assert [check.partition(":")[0] for check in answer["checks"]] == [
        "schema_version",
        "complete",
        "max_loss",
        "state propositional",
        "state perspectival",
        "size of state.pt",
        "sha256 of state.pt",
    ]


def test_a_save_that_never_ended_is_passed_over(checkpoints):
    assert checkpoints.xcom("newest_unfinished")["step"] == 1000


def test_every_failed_check_is_in_one_message_and_nothing_is_retried(checkpoints):
    assert (checkpoints.states()["broken"], checkpoints.tasks["broken"]["tries"]) == ("failed", 1)
    text = checkpoints.log
    assert "broken/step-00000007 failed 5 of 6 checks:" in text
    for line in (
        "complete: at step 7 of 1200",
        "max_loss: loss nan, at most 10.0",
        "state propositional: is not finite",
        "state perspectival: is missing",
        "size of state.pt: has 3 bytes, the manifest says 7000",
    ):
        assert line in text


def test_a_flipped_byte_is_found_by_its_hash_unless_only_sizes_are_asked_for(checkpoints):
    states = checkpoints.states()
    assert (states["flipped"], states["flipped_by_size"]) == ("failed", "success")
    assert "flipped/step-00001200 failed 1 of 7 checks:" in checkpoints.log


def test_no_finished_checkpoint_says_what_was_found(checkpoints):
    assert checkpoints.states()["empty"] == "failed"
    assert "gs://demo-ml/checkpoints/empty holds no finished checkpoint" in checkpoints.log
    assert "1 object(s), 1 unfinished save(s)" in checkpoints.log
