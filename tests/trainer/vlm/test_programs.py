"""python -m trainer.vlm and trainer.vlm.evaluate on VQAv2 files, resumed and refused."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from dagfactory.compiler.lint.metrics import TRAINER
from trainer.checkpoint.checkpoint import MANIFEST, STATE, seal
from trainer.checkpoint.state import decode
from trainer.errors import TrainerError
from trainer.storage import read_json
from trainer.vlm import __main__ as program
from trainer.vlm import evaluate, train

from .conftest import SIDE


@pytest.fixture(autouse=True)
def _denormals():
    yield
    torch.set_flush_denormal(False)  # the trainer turns it on for the whole process


@pytest.fixture(scope="module")
def questions(data, tmp_path_factory):
    """The small data set through VQAv2 files and back, five questions of each training image."""
    from trainer import vqa_export
    from trainer.data import vqa

    base = tmp_path_factory.mktemp("vqa")
    assert vqa_export.main([f"--input={data}", f"--output={base}/files"]) == 0
    subsets = ["--train=train", "--held_out=held_out", "--side=75", "--questions=5"]
    assert vqa.main([f"--input={base}/files/model", f"--output={base}", *subsets]) == 0
    for shard in (base / "model").glob("train-*.jsonl"):
        lines = shard.read_text().splitlines(keepends=True)
        kept = (line for line in lines if json.loads(line)["image_id"].endswith("-0"))
        shard.write_text("".join(kept))
    (base / "model" / "checksums.json").unlink()
    return base / "model"


@pytest.fixture(scope="module")
def arguments(questions, backbone):
    return [
        f"--data={questions}",
        f"--backbone={backbone}",
        f"--side={SIDE}",
        "--width=8",
        "--keep=4",
        "--budget_total=1000",
        "--limit=4",
        "--epochs=2",
        "--batch=4",
        "--longest=2",
        "--log_every=1",
        "--checkpoint_every=2",
        "--keep_checkpoints=9",
    ]


@pytest.fixture(scope="module")
def finished(arguments, tmp_path_factory):
    base = tmp_path_factory.mktemp("finished")
    assert train.main([*arguments, f"--output={base}"]) == 0
    return base


def test_it_trains_and_leaves_a_whole_model_directory(finished):
    metrics = read_json(finished / "model" / "metrics.json")
    assert metrics["complete"]
    assert metrics["step"] == 6  # 3 images x 5 questions, 3 full batches, 2 epochs
    assert metrics["metrics"].keys() == set(TRAINER["trainer.vlm"])
    assert metrics["metrics"]["val_kept_fraction"] == 0.25
    names = {path.name for path in (finished / "model").iterdir()}
    assert {"model.safetensors", "config.json", "metrics.jsonl", "manifest.json"} <= names


def test_the_checkpoint_holds_the_selection_and_passes_its_gate(finished, capsys):
    from trainer.checkpoint import checkpoint as validate

    groups = "--require=propositional,perspectival,participatory,tension_balancer"
    assert validate.main([str(finished / "checkpoints"), groups, "--complete"]) == 0
    newest = max((finished / "checkpoints").iterdir())
    assert (newest / "state.safetensors").stat().st_size < 200_000  # no backbone in it


@pytest.mark.parametrize("step", [2, 4])
def test_an_interrupted_run_continues_bit_for_bit(arguments, finished, losses, tmp_path, step):
    """Only the checkpoint of a step is left, as after a kill; everything after it is the same."""
    shutil.copytree(finished, tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        if path.name > f"step-{step:08d}":
            shutil.rmtree(path)
    before = (finished / "model" / "model.safetensors").read_bytes()
    (tmp_path / "run" / "model" / "model.safetensors").unlink()
    assert train.main([*arguments, f"--output={tmp_path}/run"]) == 0
    assert losses(tmp_path / "run") == losses(finished)
    assert len(losses(finished)) == 6
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() == before


def test_a_finished_run_started_again_does_nothing(arguments, finished, capsys):
    assert train.main([*arguments, f"--output={finished}"]) == 0
    assert "finished before" in capsys.readouterr().out


def test_another_backbone_is_another_run(arguments, finished, backbone, tmp_path):
    shutil.copytree(backbone, tmp_path / "other")
    document = read_json(tmp_path / "other" / "config.json") | {"note": "changed"}
    (tmp_path / "other" / "config.json").write_text(json.dumps(document))
    shutil.copytree(finished, tmp_path / "run")
    with pytest.raises(TrainerError, match="the checkpoint was made with backbone"):
        train.main([*arguments, f"--backbone={tmp_path}/other", f"--output={tmp_path}/run"])


def test_export_best_takes_the_weights_of_the_best_checkpoint(arguments, finished, tmp_path):
    """The score of an earlier checkpoint is made the best one: this small model's never differ."""
    shutil.copytree(finished / "checkpoints", tmp_path / "checkpoints")
    best = tmp_path / "checkpoints" / "step-00000002"
    told = read_json(best / MANIFEST) | {"score": 2.0}
    (best / MANIFEST).write_bytes(seal(told))
    assert train.main([*arguments, "--export=best", f"--output={tmp_path}"]) == 0
    assert read_json(tmp_path / "model" / "metrics.json")["step"] == 2
    weights = load_file(tmp_path / "model" / "model.safetensors")
    saved = decode((best / STATE).read_bytes()).model
    assert all(torch.equal(saved[name], value) for name, value in weights.items())


def test_evaluation_measures_the_held_out_images(finished, questions, backbone, tmp_path, capsys):
    given = [f"--data={questions}", f"--backbone={backbone}", f"--side={SIDE}", "--longest=2"]
    model = f"--model={finished}/model"
    assert evaluate.main([*given, model, f"--output={tmp_path}"]) == 0
    metrics = read_json(tmp_path / "model" / "metrics.json")
    assert metrics["metrics"].keys() == set(TRAINER["trainer.vlm.evaluate"])
    assert 0 <= metrics["metrics"]["vqa_accuracy"] <= 1
    assert metrics["step"] == 6
    assert "160 held-out questions: vqa_accuracy" in capsys.readouterr().out


def test_evaluation_refuses_another_side(finished, questions, backbone, tmp_path):
    given = [f"--data={questions}", f"--backbone={backbone}", "--side=64"]
    with pytest.raises(TrainerError, match="trained with another side"):
        evaluate.main([*given, f"--model={finished}/model", f"--output={tmp_path}"])


def test_several_machines_and_too_few_images_are_refused(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainerError, match="trains on one machine, not 2"):
        train.main([*arguments, f"--output={tmp_path}"])


def test_without_transformers_the_extra_is_named(arguments, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(TrainerError, match=r"pip install 'dagfactory-trainer\[vlm\]'"):
        program.main(arguments)


def test_help_needs_no_torch(capsys):
    with pytest.raises(SystemExit):
        program.main(["--help"])
    assert "--backbone  (text; required)" in capsys.readouterr().out
