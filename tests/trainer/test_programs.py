"""The programs as jobs start them: environment in, files out, one-line errors."""

import json
import os
import sys

import processes
import pytest

from trainer import __main__ as program
from trainer.data import clevr as data
from trainer.errors import TrainerError
from trainer.settings import DataSettings
from trainer.train import main as train


def run(module, *arguments, **environment):
    return processes.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_job_writes_where_vertex_says(tmp_path, monkeypatch):
    monkeypatch.setenv("GCSFUSE_ROOT", str(tmp_path))
    monkeypatch.setenv("AIP_MODEL_DIR", "gs://demo-ml/runs/p/r/data/model/")
    assert data.main(["--images=2", "--held_out=1"]) == 0
    assert (tmp_path / "demo-ml/runs/p/r/data/model/metrics.json").is_file()


def test_stage_textures_computes_textures(data, tmp_path):
    arguments = ["--stage=textures", f"--input={data}/train-*.jsonl", "--grid=5"]
    with pytest.raises(TrainerError, match="no image of split 'held_out'"):
        program.main([*arguments, f"--output={tmp_path}"])
    arguments = ["--stage=textures", f"--input={data}", "--grid=5", f"--output={tmp_path}"]
    assert program.main(arguments) == 0
    document = json.loads((tmp_path / "model" / "textures.json").read_text())
    assert (document["grid"], len(document["answers"])) == (5, 10)


def test_built_in_data_is_made_once_beside_the_model(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "trainer.data.dataset.DataSettings", lambda: DataSettings(images=12, held_out=2)
    )
    options = [*arguments, "--textures=sort-of-clevr", "--epochs=1", f"--output={tmp_path}"]
    assert train(options) == 0
    assert "making the built-in data set" in capsys.readouterr().out
    assert (tmp_path / "sort-of-clevr" / "textures" / "textures.json").is_file()
    assert train(options) == 0
    assert "making" not in capsys.readouterr().out


def test_validate_is_a_command(finished):
    done = run("trainer", "validate", str(finished / "checkpoints"), "--max_loss=0.001")
    assert done.returncode == 1
    assert done.stdout.startswith("the loss ")
    assert done.stdout.endswith(" is above 0.001\n")


def test_a_failure_is_one_line_and_exit_1(tmp_path):
    done = run("trainer", "--textures=gs://b/t", f"--output={tmp_path}", GCSFUSE_ROOT="/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("trainer: error: gs://b/t needs the Cloud Storage FUSE mount")
    assert done.stderr.count("\n") == 1


def test_help_lists_the_settings():
    done = run("trainer.evaluate", "--help")
    assert done.returncode == 0
    assert "--textures" in done.stdout


def test_an_old_result_is_gone_before_new_training(arguments, finished, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "metrics.json").write_bytes((finished / "model" / "metrics.json").read_bytes())
    broken = [*arguments, "--learning_rate=1e30", "--clip=1e30", f"--output={tmp_path}"]
    with pytest.raises(TrainerError, match="the loss is"):
        train(broken)
    assert not (model / "metrics.json").exists()
