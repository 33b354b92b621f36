"""What commit b122411 wrote is refused in one sentence that says what to do.

Its network let dropped patches reach the answer; its checkpoints are still found undamaged.

The archive holds, of one data set with --images=12 --held_out=2, --grid=4, and SMALLEST: `textures`;
`run`, stage relevance with dropout, with the checkpoint of step 2 of 6; `whole.jsonl`, its metrics
to the end; `model`, a finished model of stage answer; `evaluation.json`, what it measured.
"""

import json
import tarfile
from pathlib import Path

import pytest

from trainer import evaluate, train
from trainer.checkpoint import checkpoint
from trainer.errors import TrainerError

ARCHIVE = Path(__file__).parent / "written_by_b122411.tar.xz"
SMALLEST = [
    "--checkpoint_every=2", "--keep_checkpoints=50", "--log_every=1", "--width=8", "--heads=1",
    "--glimpses=1", "--keep=4", "--budget_total=1000", "--batch=4", "--validation=0.2",
    "--stage=relevance", "--epochs=3", "--dropout=0.1",
]  # fmt: skip


@pytest.fixture
def older(tmp_path):
    """The archive's files, unpacked."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def refused(call, options):
    """What the trainer says when it refuses, on one line."""
    with pytest.raises(TrainerError) as caught:
        call(options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_older_run_does_not_go_on_and_the_reason_is_said(older):
    options = [f"--textures={older}/textures", *SMALLEST, f"--output={older}/run"]
    assert "write them again with `python -m trainer.textures`" in refused(train.main, options)


def test_an_older_checkpoint_is_valid(older, capsys):
    assert checkpoint.main([str(older / "run" / "checkpoints"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_an_older_model_is_not_measured(older, textures):
    options = [f"--model={older}/model", f"--textures={textures}", f"--output={older}/new"]
    assert "train it again with `python -m trainer`" in refused(evaluate.main, options)


def test_an_older_model_is_not_started_from(older, textures):
    options = [f"--textures={textures}", *SMALLEST, f"--output={older}/next"]
    said = refused(train.main, [*options, "--epochs=1", f"--from={older}/model"])
    assert "train it again with `python -m trainer`" in said
