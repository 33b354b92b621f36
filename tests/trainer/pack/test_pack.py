"""Trials that train together: each ends as it would have ended alone."""

import json
import os
import shutil
import signal
import subprocess
import sys

import processes
import pytest
import torch
from safetensors.torch import load_file

from trainer import train as alone
from trainer.checkpoint.checkpoint import checkpoints
from trainer.checkpoint.state import decode
from trainer.config import read_trials, read_values
from trainer.errors import TrainerError, UsageError
from trainer.pack import pack as program
from trainer.settings import SHAPE, VARYING, TrainSettings

# Every setting that may vary does, among the four together.
TRIALS = {
    "a": {"seed": 1},
    "b": {"seed": 1, "learning_rate": 0.01, "dropout": 0.0, "budget_target": 100},
    "c": {
        "seed": 2,
        "weight_decay": 0.3,
        "beta1": 0.8,
        "beta2": 0.99,
        "clip": 0.1,
        "warmup": 0,
        "dropout": 0.3,
    },
    "d": {"relevance_weight": 2.0, "budget_weight": 0.5, "patience": 9},
}
BROKEN = {"learning_rate": 1e30, "clip": 1e30, "warmup": 0}  # diverges in the second step


def packed(arguments, base, trials=None, *more):
    """Arguments of a pack."""
    return [*arguments, *more, f"--trials={json.dumps(trials or TRIALS)}", f"--output={base}"]


def options(trial):
    """A trial's settings as a run of its own gets them."""
    return [f"--{name}={value}" for name, value in trial.items()]


@pytest.fixture(scope="module")
def together(arguments, tmp_path_factory):
    """Base directory of an undisturbed pack of four, 24 steps each."""
    base = tmp_path_factory.mktemp("together")
    assert program.main(packed(arguments, base)) == 0
    return base


@pytest.fixture(scope="module")
def apart(arguments, tmp_path_factory):
    """Base directory of the same four trials, one after another."""
    base = tmp_path_factory.mktemp("apart")
    for name, trial in TRIALS.items():
        assert alone.main([*arguments, *options(trial), f"--output={base / name}"]) == 0
    return base


def noted(base, name):
    """All lines of a trial's metrics.jsonl but for the time: {(step, split, name): value}."""
    lines = map(json.loads, (base / name / "model" / "metrics.jsonl").read_text().splitlines())
    return {(line["step"], line["split"], line["name"]): line["value"] for line in lines}


def weights(base, name):
    return load_file(base / name / "model" / "model.safetensors")


def same(one, other, names=TRIALS):
    """Whether two bases hold the same losses and weights, bit for bit."""
    return all(
        noted(one, name) == noted(other, name)
        and (one / name / "model" / "model.safetensors").read_bytes()
        == (other / name / "model" / "model.safetensors").read_bytes()
        for name in names
    )


@pytest.mark.parametrize("name", TRIALS)
def test_losses_metrics_and_weights_are_those_of_training_alone(name, together, apart):
    here, there = noted(together, name), noted(apart, name)
    assert here.keys() == there.keys()
    losses = [abs(here[key] - there[key]) for key in here if key[1] == "train"]
    assert max(losses) < 5e-6
    metrics = [key for key in here if key[1] != "train"]
    # Budgets are rounded down to whole tokens, and answers to the likeliest: both may tip over.
    assert all(here[key] == pytest.approx(there[key], rel=1e-3, abs=1e-3) for key in metrics)
    ours, theirs = weights(together, name), weights(apart, name)
    assert max((ours[key] - theirs[key]).abs().max().item() for key in theirs) < 1e-4
    moved = weights(together, "a" if name != "a" else "c")
    assert max((moved[key] - theirs[key]).abs().max().item() for key in theirs) > 1e-2


@pytest.mark.parametrize("name", TRIALS)
def test_the_outputs_are_where_and_what_a_run_of_its_own_writes(name, together, apart):
    here, there = (
        {p.relative_to(b / name) for p in (b / name).rglob("*")} for b in (together, apart)
    )
    assert here == there
    texts = [json.loads((b / name / "model/config.json").read_text()) for b in (together, apart)]
    for text in texts:
        del text["settings"]["output"]
    assert texts[0] == texts[1]


def test_settings_of_a_run_of_its_own(together):
    config = json.loads((together / "b" / "model" / "config.json").read_text())
    assert config["settings"]["output"] == f"{together}/b"
    assert config["settings"]["learning_rate"] == 0.01


@pytest.mark.parametrize("name", TRIALS)
def test_a_packed_checkpoint_is_continued_alone(name, arguments, together, apart, tmp_path):
    base = tmp_path / "run"
    shutil.copytree(together / name, base)
    shutil.rmtree(checkpoints(base / "checkpoints")[-1])
    assert alone.main([*arguments, *options(TRIALS[name]), f"--output={base}"]) == 0
    here, there = noted(tmp_path, "run"), noted(apart, name)
    assert max(abs(here[key] - there[key]) for key in here if key[1] == "train") < 5e-6


def test_a_checkpoint_holds_what_one_of_a_run_of_its_own_holds(together, apart):
    for name in TRIALS:
        ours, theirs = (newest(base / name) for base in (together, apart))
        assert torch.equal(ours.random[0]["torch"], theirs.random[0]["torch"])
        assert ours.moments.keys() == theirs.moments.keys()
        odd = ours.moments["0/exp_avg"], theirs.moments["0/exp_avg"]
        assert torch.allclose(*odd, atol=1e-6)
        for own in (ours.identity, theirs.identity):
            own.pop("output", None)
        assert ours.identity == theirs.identity


def newest(base):
    return decode((checkpoints(base / "checkpoints")[-1] / "state.safetensors").read_bytes())


# Killed, stopped, damaged.


def start(arguments, base):
    command = [sys.executable, "-m", "trainer", *packed(arguments, base)]
    return processes.started(command, stdout=subprocess.PIPE, text=True)


def wait_for(process, text):
    for line in process.stdout:
        if line.startswith(text):
            return
    pytest.fail(f"the process ended without {text!r}")


@pytest.mark.parametrize("step", [2, 13])
def test_sigkill_at_a_step(step, arguments, together, tmp_path):
    process = start(arguments, tmp_path)
    wait_for(process, f"step {step}/")
    process.kill()
    process.communicate(timeout=processes.LIMIT)
    assert process.returncode == -signal.SIGKILL
    assert program.main(packed(arguments, tmp_path)) == 0
    assert same(tmp_path, together)


def test_killed_between_the_checkpoints_of_two_members(arguments, together, tmp_path, capsys):
    """Those behind catch up first: one lost its newest checkpoint, one has none at all."""
    shutil.copytree(together, tmp_path, dirs_exist_ok=True)
    for name in TRIALS:
        shutil.rmtree(checkpoints(tmp_path / name / "checkpoints")[-1])
    shutil.rmtree(checkpoints(tmp_path / "a" / "checkpoints")[-1])
    shutil.rmtree(tmp_path / "d")
    assert program.main(packed(arguments, tmp_path)) == 0
    said = capsys.readouterr().out
    assert "a: resumed at step 16 of 24" in said
    assert "b: resumed at step 20 of 24" in said
    assert "step 16/24 trials 1 " in said
    assert "step 17/24 trials 2 " in said
    assert same(tmp_path, together)


def test_sigterm_saves_every_member_and_exits_143(arguments, together, tmp_path):
    process = start(arguments, tmp_path)
    wait_for(process, "step 3/")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=processes.LIMIT)
    assert process.returncode == 143
    steps = {checkpoints(tmp_path / name / "checkpoints")[-1].name for name in TRIALS}
    assert len(steps) == 1
    for name in TRIALS:
        assert f"{name}: stopped at step {int(steps.copy().pop()[5:])} of 24" in output
        assert not (tmp_path / name / "model" / "metrics.json").exists()
    assert program.main(packed(arguments, tmp_path)) == 0
    assert same(tmp_path, together)


def test_the_time_is_up(arguments, together, tmp_path):
    more = "--max_seconds=0.001"
    assert program.main(packed(arguments, tmp_path, None, more)) == 75
    assert program.main(packed(arguments, tmp_path)) == 0
    assert same(tmp_path, together)


def test_a_finished_pack_started_again_changes_nothing(arguments, together, tmp_path, capsys):
    shutil.copytree(together, tmp_path, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert program.main(packed(arguments, tmp_path)) == 0
    assert capsys.readouterr().out.count("finished before") == len(TRIALS)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_lost_outputs_are_written_again(arguments, together, tmp_path):
    shutil.copytree(together, tmp_path, dirs_exist_ok=True)
    (tmp_path / "c" / "model" / "metrics.json").unlink()
    assert program.main(packed(arguments, tmp_path)) == 0
    found = [(base / "c/model/metrics.json").read_bytes() for base in (tmp_path, together)]
    assert found[0] == found[1]


# Members that leave.


def test_a_broken_member_stops_alone(arguments, together, tmp_path, capsys):
    trials = {"wild": BROKEN, **TRIALS}
    with pytest.raises(TrainerError, match=r"^1 of 5 trials failed: wild$"):
        program.main(packed(arguments, tmp_path, trials, "--checkpoint_every=1"))
    last = checkpoints(tmp_path / "wild" / "checkpoints")[-1]
    said = capsys.readouterr().err
    assert f"wild: error: the loss is nan at step 2; last good checkpoint: {last}" in said
    assert last.name == "step-00000001"
    assert not (tmp_path / "wild" / "model" / "metrics.json").exists()
    assert same(tmp_path, together)


def test_a_pack_whose_members_all_break_ends(arguments, tmp_path, capsys):
    trials = {"x": BROKEN, "y": BROKEN | {"seed": 3}}
    with pytest.raises(TrainerError, match=r"^2 of 2 trials failed: x, y$"):
        program.main(packed(arguments, tmp_path, trials))
    assert capsys.readouterr().err.count("there is no checkpoint yet") == 2


def test_a_checkpoint_of_other_settings_stops_its_trial_alone(
    arguments, together, tmp_path, capsys
):
    shutil.copytree(together / "a", tmp_path / "a")
    trials = TRIALS | {"a": {"seed": 7}}
    with pytest.raises(TrainerError, match="1 of 4 trials failed: a"):
        program.main(packed(arguments, tmp_path, trials))
    assert (
        "a: error: the checkpoint was made with seed=1, this run has 7" in capsys.readouterr().err
    )
    assert same(tmp_path, together, ["b", "c", "d"])


def test_a_patient_member_leaves_early(arguments, tmp_path):
    """A rate of nothing never gets better: it leaves after two epochs, the other goes on."""
    still, moving = {"learning_rate": 1e-30}, {"seed": 5}
    trials = {"still": still | {"patience": 1}, "moving": moving}
    assert program.main(packed(arguments, tmp_path / "early", trials)) == 0
    metrics = [tmp_path / "early" / name / "model/metrics.json" for name in trials]
    assert [json.loads(path.read_text())["step"] for path in metrics] == [16, 24]
    trials = {"still": still, "moving": moving}
    assert program.main(packed(arguments, tmp_path / "late", trials)) == 0
    assert same(tmp_path / "early", tmp_path / "late", ["moving"])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_size_of_a_pack_changes_no_bit(size, arguments, together, tmp_path):
    assert program.main(packed(arguments, tmp_path, None, f"--pack={size}")) == 0
    assert same(tmp_path, together)


@pytest.mark.parametrize("seeds", [[0, 0, 0], [0, 1, 2]], ids=["shared batch", "own batches"])
def test_neither_with_one_batch_nor_with_many(seeds, arguments, tmp_path):
    trials = {
        name: {"seed": seed, "clip": 0.5 + seed, "weight_decay": 0.1 * place}
        for place, (name, seed) in enumerate(zip("xyz", seeds, strict=True))
    }
    for size in (1, 2, 3):
        base = tmp_path / str(size)
        assert program.main(packed(arguments, base, trials, f"--pack={size}")) == 0
        assert same(base, tmp_path / "1", trials)


def test_stage_relevance_leaves_the_rest_of_the_network_alone(arguments, tmp_path):
    """Also its weight decay: what has no gradient is not in the optimizer."""
    trials = {"a": {"seed": 1}, "b": {"seed": 2, "weight_decay": 0.5}}
    stage = [*arguments, "--stage=relevance"]
    assert program.main(packed(stage, tmp_path / "pack", trials)) == 0
    for name, trial in trials.items():
        assert alone.main([*stage, *options(trial), f"--output={tmp_path / name}"]) == 0
        ours, theirs = weights(tmp_path / "pack", name), weights(tmp_path, name)
        # how far sums in another order lead depends on the processor: 1.4e-4 was seen
        assert max((ours[key] - theirs[key]).abs().max().item() for key in theirs) < 5e-4
        head = [key for key in theirs if key.startswith("head.")]
        assert all(torch.equal(ours[key], theirs[key]) for key in head)


def test_stage_hard_weighs_in_a_pack_as_it_does_alone(arguments, tmp_path):
    trials = {"a": {"seed": 1}, "b": {"seed": 2, "learning_rate": 0.01}}
    stage = [*arguments, "--stage=hard", "--epochs=1"]
    assert program.main(packed(stage, tmp_path / "pack", trials)) == 0
    for name, trial in trials.items():
        assert alone.main([*stage, *options(trial), f"--output={tmp_path / name}"]) == 0
        ours, theirs = weights(tmp_path / "pack", name), weights(tmp_path, name)
        assert max((ours[key] - theirs[key]).abs().max().item() for key in theirs) < 1e-4


def test_trials_that_start_from_different_models(arguments, together, tmp_path):
    trials = {name: {"from": f"{together}/{name}/model"} for name in ("a", "b")}
    assert program.main(packed([*arguments, "--epochs=1"], tmp_path, trials)) == 0
    first = {name: noted(tmp_path, name)[1, "train", "loss"] for name in trials}
    fresh = {name: noted(together, name)[1, "train", "loss"] for name in trials}
    assert all(first[name] < fresh[name] for name in trials)
    assert first["a"] != first["b"]


# What is refused.

A = {"a": {"seed": 1}}


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (A | {"b": {"width": 32}}, "trials a and b differ in width (16 and 32); trials of a pack"),
        (A | {"b": {"epochs": 4}}, "trials a and b differ in epochs (3 and 4); "),
        (A | {"b": {"sed": 1}}, "trial b: unknown setting 'sed'; did you mean 'seed'?"),
        (A | {"b": {"clip": 0}}, "trial b: setting 'clip': Input should be greater than 0"),
        ({"../b": {}}, "setting 'trials.../b.[key]': String should match pattern"),
        ({}, "setting 'trials': Dictionary should have at least 1 item"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(trials, message, arguments):
    values = read_values([*arguments, f"--trials={json.dumps(trials)}"])
    with pytest.raises(UsageError) as caught:
        read_trials(values)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_text_that_is_no_json(arguments):
    with pytest.raises(UsageError, match="setting 'trials': Input should be a valid dictionary"):
        read_trials(read_values([*arguments, "--trials={a:"]))


def test_the_command_hands_trials_over(arguments, capsys, monkeypatch, tmp_path):
    from trainer.__main__ import main

    monkeypatch.setitem(os.environ, "AIP_MODEL_DIR", f"{tmp_path}/search/model/")
    assert main([*arguments, "--epochs=1", '--trials={"one": {}}']) == 0
    assert "one: finished: val_accuracy" in capsys.readouterr().out
    assert (tmp_path / "search" / "one" / "model" / "metrics.json").is_file()
    assert not (tmp_path / "search" / "model").exists()


def test_several_machines_are_refused(arguments, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "RANK", "0")
    monkeypatch.setitem(os.environ, "WORLD_SIZE", "2")
    with pytest.raises(TrainerError, match="packed trials train on one machine, not 2"):
        program.main(packed(arguments, tmp_path))


def test_every_setting_that_may_vary_is_one():
    known = {field.alias or name for name, field in TrainSettings.model_fields.items()}
    assert known.issuperset({*VARYING, *SHAPE})
    varied = {name for trial in TRIALS.values() for name in trial} | {"from"}
    assert varied == set(VARYING)  # the tests above vary each


def test_a_setting_that_packs_do_not_know_keeps_its_default(arguments, monkeypatch):
    """So a setting that is added later is refused, not passed over."""
    from trainer import config

    known = tuple(name for name in config.SHAPE if name != "ablate")
    monkeypatch.setattr(config, "SHAPE", known)
    values = {**read_values(arguments), "trials": {"a": {}, "b": {"seed": 1}}}
    assert len(read_trials(values)[1]) == 2
    with pytest.raises(
        UsageError, match=r"^trial a: ablate=budgets is not for packs; train it alone, "
    ):
        read_trials(values | {"ablate": "budgets"})
