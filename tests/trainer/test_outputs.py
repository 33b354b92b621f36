"""What a stage leaves behind, and what evaluation measures."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file

from trainer import evaluate, export, train
from trainer.checkpoint import checkpoint as validate
from trainer.checkpoint.checkpoint import seal
from trainer.data.dataset import Split, load_textures
from trainer.errors import TrainerError
from trainer.evaluate import measure, query_distinctness, question_only_baseline
from trainer.storage import damaged_files, write_metrics

CPU = torch.device("cpu")


def read(path):
    return json.loads(path.read_text())


def test_the_model_directory_is_whole(finished):
    model = finished / "model"
    names = {path.name for path in model.iterdir()}
    assert names == {
        "config.json", "manifest.json", "metrics.json", "metrics.jsonl", "model.safetensors",
        "model_card.md", "curves.png",
    }  # fmt: skip
    assert damaged_files(model, read(model / "manifest.json")["files"]) == []
    metrics = read(model / "metrics.json")
    assert (metrics["schema_version"], metrics["step"], metrics["complete"]) == (1, 24, True)
    assert 0 <= metrics["metrics"]["val_accuracy"] <= 1
    assert "val_accuracy" in (model / "model_card.md").read_text()


def test_config_records_settings_and_versions(finished):
    config = read(finished / "model" / "config.json")
    assert config["settings"]["learning_rate"] == 0.002
    assert config["versions"]["torch"] == torch.__version__


def test_lines_of_the_log_have_the_agreed_keys(finished):
    for line in (finished / "model" / "metrics.jsonl").read_text().splitlines():
        assert sorted(json.loads(line)) == ["name", "split", "step", "time", "value"]


def test_the_manifest_describes_every_state_group(finished):
    newest = max((finished / "checkpoints").iterdir())
    manifest = read(newest / "manifest.json")
    assert (manifest["step"], manifest["planned_steps"], manifest["complete"]) == (24, 24, True)
    assert (manifest["epoch"], manifest["schema_version"]) == (3, 1)
    groups = [name for name, _ in export.load_model(finished / "model")[0].named_children()]
    assert list(manifest["states"]) == groups
    assert all(state["finite"] and state["tensors"] for state in manifest["states"].values())
    weights = load_file(finished / "model" / "model.safetensors")
    counted = sum(state["parameters"] for state in manifest["states"].values())
    assert counted == sum(tensor.numel() for tensor in weights.values())


@pytest.fixture(scope="session")
def evaluated(finished, textures, tmp_path_factory):
    base = tmp_path_factory.mktemp("evaluated")
    arguments = [f"--model={finished / 'model'}", f"--textures={textures}", f"--output={base}"]
    assert evaluate.main(arguments) == 0
    return read(base / "model" / "metrics.json")


def test_evaluation_measures_everything_gates_ask_for(evaluated):
    names = (
        "accuracy relational_accuracy non_relational_accuracy baseline_accuracy chance_accuracy "
        "recall_at_k query_distinctness budget_mean budget_total budget_std "
        "budget_on_target_ratio lambda_1 lambda_2 lambda_3 kept_fraction relevance_iou"
    )
    assert set(names.split()) <= set(evaluated["metrics"])
    assert evaluated["step"] == 24
    assert evaluated["metrics"]["kept_fraction"] == pytest.approx(16 / 225)
    assert evaluated["metrics"]["budget_total"] <= 2000
    halves = evaluated["metrics"]
    both = halves["relational_accuracy"] + halves["non_relational_accuracy"]
    assert halves["accuracy"] == pytest.approx(both / 2)


def test_measuring_does_not_depend_on_the_batch(finished, textures):
    model, _ = export.load_model(finished / "model")
    split = load_textures(textures, CPU).held_out
    whole, parts = measure(model, split, batch=8), measure(model, split, batch=3)
    assert whole == pytest.approx(parts, rel=1e-5)


def test_baseline_and_chance_by_hand():
    train_split = Split({
        "textures": torch.zeros(2, 1), "tokens": torch.tensor([[2, 3], [2, 4]]),
        "question": torch.tensor([[0, 1], [0, 1]]), "answer": torch.tensor([[0, 1], [0, 0]]),
        "relational": torch.tensor([[True, False]] * 2),
    })  # fmt: skip
    held_out = Split({
        "textures": torch.zeros(1, 1), "tokens": torch.tensor([[2, 4, 0], [5, 0, 0]]),
        "question": torch.tensor([[0, 1]]), "answer": torch.tensor([[1, 0]]),
        "relational": torch.tensor([[False, True]]),
    })  # fmt: skip
    found = question_only_baseline(train_split, held_out, answers=2)
    # Text (2, 4) had answers 1 and 0 once each: the lower wins and is wrong. (5) is new: 0, right.
    assert found["baseline_accuracy"] == 0.5
    assert found["relational_baseline_accuracy"] == 1
    assert found["chance_accuracy"] == pytest.approx((0.25 + 0.75) / 2)


def test_distinctness_is_zero_for_equal_and_one_for_disjoint_maps():
    equal = torch.tensor([[[1.0, 0, 0], [2, 0, 0]]])
    disjoint = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    assert query_distinctness(torch.cat([equal, disjoint])).tolist() == [0, 1]


def test_a_number_that_is_none_becomes_null(tmp_path):
    write_metrics(tmp_path, {"a": math.nan, "b": math.inf, "c": 1.5}, step=3)
    assert read(tmp_path / "metrics.json")["metrics"] == {"a": None, "b": None, "c": 1.5}


def test_stage_relevance_then_answer(arguments, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train.main([*arguments, "--stage=relevance", f"--output={first}"]) == 0
    metrics = read(first / "model" / "metrics.json")["metrics"]
    assert "val_relevance_iou" in metrics
    assert "val_accuracy" not in metrics
    options = [f"--from={first / 'model'}", "--epochs=1", f"--output={second}"]
    assert train.main([*arguments, *options]) == 0
    noted = (second / "model" / "metrics.jsonl").read_text().splitlines()
    start = next(json.loads(line) for line in noted if '"relevance_loss"' in line)
    assert start["value"] < metrics["val_relevance_loss"] * 1.3


def test_starting_from_another_shape_is_one_line(arguments, finished, tmp_path):
    options = [f"--from={finished / 'model'}", "--width=32", f"--output={tmp_path}"]
    with pytest.raises(TrainerError, match=r"cannot start from .*: size mismatch") as caught:
        train.main([*arguments, *options])
    assert "\n" not in str(caught.value)


def test_damaged_textures_are_refused(textures, arguments, tmp_path):
    copy = tmp_path / "textures"
    copy.mkdir()
    for path in textures.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "train.safetensors").write_bytes(b"x")
    with pytest.raises(TrainerError, match=r"damaged textures .*: train\.safetensors has 1 bytes"):
        train.main([*arguments, f"--textures={copy}", f"--output={tmp_path}"])


def check(capsys, *argv):
    code = validate.main([*argv, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_good_checkpoint_passes(finished, capsys):
    code, report = check(capsys, str(finished / "checkpoints"), "--max_loss=10", "--complete")
    assert (code, report["failed"], report["passed"]) == (0, [], True)
    assert report["checkpoint"].endswith("step-00000024")


def test_every_failed_check_is_listed(finished, tmp_path, capsys):
    step = tmp_path / "step-00000010"
    step.mkdir()
    source = max((finished / "checkpoints").iterdir())
    (step / "state.safetensors").write_bytes((source / "state.safetensors").read_bytes()[:-1])
    document = read(source / "manifest.json") | {"complete": False, "step": 10, "loss": 12.5}
    document["states"]["encoder"]["finite"] = False
    del document["states"]["perspectival"]
    (step / "manifest.json").write_bytes(seal(document))
    required = "--require=propositional,perspectival,encoder"
    code, report = check(capsys, str(step), required, "--max_loss=10", "--complete")
    assert code == 1
    size = document["files"]["state.safetensors"]["bytes"]
    assert report["failed"] == [
        f"state.safetensors has {size - 1} bytes, not {size}",
        "state 'perspectival' is missing",
        "state 'encoder' holds non-finite values",
        "the loss 12.5000 is above 10.0",
        "step 10 of 24: not complete",
    ]


def test_no_checkpoint_is_a_failed_check(tmp_path, capsys):
    code, report = check(capsys, str(tmp_path))
    assert code == 1
    assert report["failed"] == [f"{tmp_path / 'manifest.json'} is missing"]
