"""What commit b122411 wrote, before the trainer's files were moved, still loads and goes on.

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


def noted(path):
    """Losses and scores of a metrics.jsonl after step 2, by step, split and name."""
    lines = map(json.loads, path.read_text().splitlines())
    return {(x["step"], x["split"], x["name"]): x["value"] for x in lines if x["step"] > 2}


def test_an_older_run_goes_on(older, capsys):
    """Bit for bit where the archive was made; other processors may round the last bits otherwise."""
    options = [f"--textures={older}/textures", *SMALLEST, f"--output={older}/run"]
    assert train.main(options) == 0
    assert "resumed at step 2 of 6" in capsys.readouterr().out
    before, now = noted(older / "whole.jsonl"), noted(older / "run" / "model" / "metrics.jsonl")
    assert now == pytest.approx(before, rel=1e-4)
    assert max(step for step, _, _ in now) == 6


def test_an_older_checkpoint_is_valid(older, capsys):
    assert checkpoint.main([str(older / "run" / "checkpoints"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_an_older_model_is_measured(older):
    options = [f"--model={older}/model", f"--textures={older}/textures", f"--output={older}/new"]
    assert evaluate.main(options) == 0
    now = json.loads((older / "new" / "model" / "metrics.json").read_text())["metrics"]
    before = json.loads((older / "evaluation.json").read_text())["metrics"]
    del now["milliseconds_per_image"], before["milliseconds_per_image"]
    assert now == pytest.approx(before, rel=1e-4)


def test_an_older_model_is_started_from(older, capsys):
    options = [f"--textures={older}/textures", *SMALLEST, f"--output={older}/next"]
    assert train.main([*options, "--epochs=1", f"--from={older}/model"]) == 0
    assert f"started from {older}/model/model.safetensors" in capsys.readouterr().out
