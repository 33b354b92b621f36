"""How often, how long and for how much longer: intervals, budgets, patience, pruning, help."""

import json
import math
import shutil
import sys
import threading

import processes
import pytest
import torch

from trainer import train as program
from trainer.checkpoint.checkpoint import Saver, best_interval, checkpoints, prune, read_manifest
from trainer.checkpoint.state import decode, encode
from trainer.config import shown
from trainer.errors import TrainerError
from trainer.settings import PROGRAMS


def steps(base):
    return [int(path.name[5:]) for path in checkpoints(base / "checkpoints")]


def test_the_interval_is_youngs_for_small_costs_and_never_beyond_the_mean():
    assert best_interval(0.001, 3600) == pytest.approx(math.sqrt(2 * 0.001 * 3600), rel=0.01)
    assert best_interval(7200, 3600) == 3600
    # By hand: d = 2, M = 100: sqrt(400) (1 + sqrt(1/100) / 3 + 1/900) - 2.
    assert best_interval(2, 100) == pytest.approx(20 * (1 + 0.1 / 3 + 1 / 900) - 2)


def test_the_interval_minimises_the_expected_time():
    """Daly's model of the whole time: M e^(restart/M) (e^((t + d)/M) - 1) work / t."""
    cost, mean = 5.0, 300.0

    def whole(interval):
        return (math.exp((interval + cost) / mean) - 1) / interval

    best = best_interval(cost, mean)
    assert whole(best) < min(whole(best * 0.9), whole(best * 1.1))


def test_auto_saves_at_once_and_changes_no_loss(arguments, finished, losses, tmp_path):
    options = ["--checkpoint_every=auto", "--mtbi=1e9", "--keep_checkpoints=9"]
    assert program.main([*arguments, *options, f"--output={tmp_path}"]) == 0
    assert steps(tmp_path) == [1, 8, 16, 24]  # the first, then the ends of epochs
    assert losses(tmp_path) == losses(finished)


def test_auto_with_many_interruptions_saves_often(arguments, tmp_path):
    options = ["--checkpoint_every=auto", "--mtbi=1e-9", "--keep_checkpoints=99"]
    assert program.main([*arguments, *options, f"--output={tmp_path}"]) == 0
    assert len(steps(tmp_path)) > 4


def test_when_the_time_is_up_the_run_can_go_on(arguments, finished, losses, tmp_path, capsys):
    short = [*arguments, "--max_seconds=1e-9", f"--output={tmp_path}"]
    assert program.main(short) == 75
    assert "stopped at step 1 of 24, checkpoint saved" in capsys.readouterr().out
    assert read_manifest(checkpoints(tmp_path / "checkpoints")[-1])["complete"] is False
    assert not (tmp_path / "model" / "metrics.json").exists()
    assert program.main([*arguments, f"--output={tmp_path}"]) == 0
    assert losses(tmp_path) == losses(finished)


def test_patience_ends_a_run_early_also_after_a_resume(arguments, losses, tmp_path):
    # A rate too small to change an answer: the second epoch is no better than the first.
    slow = [*arguments, "--learning_rate=1e-12", "--patience=1"]
    assert program.main([*slow, f"--output={tmp_path / 'whole'}"]) == 0
    manifest = read_manifest(checkpoints(tmp_path / "whole" / "checkpoints")[-1])
    assert (manifest["step"], manifest["complete"]) == (16, True)
    shutil.copytree(tmp_path / "whole", tmp_path / "again")
    shutil.rmtree(checkpoints(tmp_path / "again" / "checkpoints")[-1])
    assert program.main([*slow, f"--output={tmp_path / 'again'}"]) == 0
    assert losses(tmp_path / "again") == losses(tmp_path / "whole")


def test_a_finished_early_run_started_again_ends_at_once(arguments, tmp_path, capsys):
    slow = [*arguments, "--learning_rate=1e-12", "--patience=1", f"--output={tmp_path}"]
    assert program.main(slow) == 0
    assert program.main(slow) == 0
    assert "finished before" in capsys.readouterr().out


def test_an_unreadable_newer_checkpoint_does_not_push_good_ones_out(finished, tmp_path):
    root = tmp_path / "checkpoints"
    shutil.copytree(finished / "checkpoints", root)
    kept = checkpoints(root)[-3:]
    for path in set(checkpoints(root)) - set(kept):
        shutil.rmtree(path)
    (kept[2] / "manifest.json").write_bytes(b"{}")
    prune(root, keep=1, step=20)
    assert kept[1] in checkpoints(root)
    assert kept[2] not in checkpoints(root)


def test_pruning_follows_no_link(finished, tmp_path):
    outside = tmp_path / "outside"
    shutil.copytree(max((finished / "checkpoints").iterdir()), outside)
    (outside / "manifest.json").unlink()
    root = tmp_path / "checkpoints"
    shutil.copytree(finished / "checkpoints", root)
    (root / "step-00000002").symlink_to(outside)
    (root / "step-00000003").write_text("no directory")
    prune(root, keep=9, step=24)
    assert (outside / "state.safetensors").is_file()
    assert not (root / "step-00000002").is_symlink()
    assert not (root / "step-00000003").exists()


def test_steps_go_on_while_a_thread_writes():
    saver, may_end = Saver(), threading.Event()
    saver.save(lambda: may_end.wait)
    assert saver.pending is not None  # save returned before the write ended
    assert not saver.measured()
    may_end.set()
    saver.wait()
    assert saver.measured()


def test_an_error_of_the_writing_thread_is_raised_by_the_next_wait():
    def write():
        raise OSError(28, "No space left on device")

    saver = Saver()
    saver.save(lambda: write)
    with pytest.raises(OSError, match="No space left"):
        saver.wait()


def test_a_poisoned_state_is_not_saved(arguments, tmp_path, monkeypatch):
    def poison(parameters, _limit):
        next(iter(parameters)).data.fill_(math.nan)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", poison)
    options = ["--checkpoint_every=1", f"--output={tmp_path}"]
    with pytest.raises(TrainerError, match="non-finite values after step 1; there is no checkpoin"):
        program.main([*arguments, *options])
    assert steps(tmp_path) == []


def test_a_state_survives_packing(finished):
    data = (checkpoints(finished / "checkpoints")[-1] / "state.safetensors").read_bytes()
    assert encode(decode(data)) == data


def test_a_damaged_model_is_not_started_from(arguments, finished, tmp_path):
    shutil.copytree(finished / "model", tmp_path / "model")
    weights = tmp_path / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    options = [f"--from={tmp_path / 'model'}", f"--output={tmp_path / 'next'}"]
    with pytest.raises(TrainerError, match=r"damaged model .*: model\.safetensors does not match"):
        program.main([*arguments, *options])


@pytest.mark.parametrize("module", [*PROGRAMS, "trainer validate"])
def test_help_lists_every_setting_with_type_default_and_meaning(module):
    command = [sys.executable, "-m", *module.split(), "--help"]
    done = processes.run(command, capture_output=True, text=True, check=True)
    if module in PROGRAMS:
        for name, field in PROGRAMS[module].model_fields.items():
            line = done.stdout.split(f"  --{field.alias or name}  (")[1]
            default = "required" if field.is_required() else f"default {shown(field.default)}"
            assert default in line.split(")")[0]
            assert field.description in line
    assert "--help" in done.stdout
    assert json.dumps(done.stderr) == '""'
