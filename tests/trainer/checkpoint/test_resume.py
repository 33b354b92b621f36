"""A killed and resumed run has the losses of an undisturbed one, bit for bit."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import processes
import pytest
import torch

from trainer import train as program
from trainer.checkpoint import state
from trainer.checkpoint.checkpoint import STATE, checkpoints
from trainer.checkpoint.state import load_newest
from trainer.data.dataset import epoch_order, step_index
from trainer.errors import TrainerError
from trainer.export import load_model


def start(arguments, base):
    """The trainer in a process of its own, its output line by line."""
    command = [sys.executable, "-m", "trainer", *arguments, f"--output={base}"]
    return processes.started(command, stdout=subprocess.PIPE, text=True)


def wait_for(process, text):
    for line in process.stdout:
        if line.startswith(text):
            return
    pytest.fail(f"the process ended without {text!r}")


def kill_at(step, arguments, base):
    process = start(arguments, base)
    wait_for(process, f"step {step}/")
    process.kill()
    process.communicate(timeout=processes.LIMIT)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("step", [2, 9, 13])
def test_sigkill_at_a_step(step, arguments, finished, losses, tmp_path):
    kill_at(step, arguments, tmp_path)
    assert program.main([*arguments, f"--output={tmp_path}"]) == 0
    assert losses(tmp_path) == losses(finished)
    for name in ("model.safetensors", "metrics.json"):
        assert (tmp_path / "model" / name).read_bytes() == (finished / "model" / name).read_bytes()


def test_killed_twice(arguments, finished, losses, tmp_path):
    kill_at(6, arguments, tmp_path)
    kill_at(15, arguments, tmp_path)
    assert program.main([*arguments, f"--output={tmp_path}"]) == 0
    assert losses(tmp_path) == losses(finished)


def test_sigterm_saves_the_step_and_exits_143(arguments, finished, losses, tmp_path):
    process = start(arguments, tmp_path)
    wait_for(process, "step 3/")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.01)
    process.send_signal(signal.SIGTERM)  # as timeout(1) does
    output, _ = process.communicate(timeout=processes.LIMIT)
    assert process.returncode == 143
    last = checkpoints(tmp_path / "checkpoints")[-1]
    manifest = json.loads((last / "manifest.json").read_text())
    assert manifest["complete"] is False
    assert f"stopped at step {manifest['step']} of 24, checkpoint saved" in output
    assert program.main([*arguments, f"--output={tmp_path}"]) == 0
    assert losses(tmp_path) == losses(finished)


def test_a_sigterm_that_comes_again_later_leaves_at_once():
    code = (
        "import os, signal\n"
        "from trainer import vertex\n"
        "stop = vertex.StopRequest().install()\n"
        "for _ in range(3):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('asked', stop.asked, flush=True)\n"
        "vertex.ONE_REQUEST = -1\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('still here')\n"
    )
    done = processes.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "asked True\n" * 3)


@pytest.fixture
def halfway(finished, tmp_path):
    """A copy of the finished run with only the checkpoints up to step 20."""
    shutil.copytree(finished, tmp_path / "run")
    shutil.rmtree(checkpoints(tmp_path / "run" / "checkpoints")[-1])
    return tmp_path / "run"


def test_a_damaged_newest_checkpoint_is_passed_over(arguments, finished, halfway, losses, capsys):
    damaged = checkpoints(halfway / "checkpoints")[-1] / "state.safetensors"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    assert program.main([*arguments, f"--output={halfway}"]) == 0
    output = capsys.readouterr().out
    assert (
        "damaged checkpoint passed over: step-00000020: state.safetensors does not match" in output
    )
    assert "resumed at step 16 of 24" in output
    assert losses(halfway) == losses(finished)


ODD = {
    "no generators": lambda _: [],
    "numpy": lambda own: [own | {"numpy": None}],
    "its words": lambda own: [own | {"numpy_keys": None}],
    "python": lambda own: [own | {"python": [3, None, None]}],
    "torch": lambda own: [own | {"torch": torch.zeros(3, dtype=torch.uint8)}],
    "CUDA": lambda own: [own | {"cuda": torch.zeros(3, dtype=torch.uint8)}],
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_generators_under_right_checksums_are_damage(
    odd, finished, write_state, tmp_path, capsys
):
    """Found before anything is restored, whether there is a GPU or not."""
    newest = shutil.copytree(checkpoints(finished / "checkpoints")[-1], tmp_path / "step-00000024")
    found = state.decode((newest / STATE).read_bytes())
    write_state(newest, state.encode(replace(found, random=ODD[odd](found.random[0]))))
    model, _ = load_model(finished / "model")
    assert load_newest(tmp_path, model, found.identity) is None
    assert "damaged checkpoint passed over: step-00000024: " in capsys.readouterr().out


def test_a_checkpoint_without_a_manifest_is_none(arguments, finished, halfway, losses, capsys):
    (checkpoints(halfway / "checkpoints")[-1] / "manifest.json").unlink()
    assert program.main([*arguments, f"--output={halfway}"]) == 0
    assert "resumed at step 16 of 24" in capsys.readouterr().out
    assert losses(halfway) == losses(finished)


def test_a_finished_run_started_again_changes_nothing(arguments, finished, tmp_path, capsys):
    base = tmp_path / "run"
    shutil.copytree(finished, base)
    before = contents(base)
    assert program.main([*arguments, f"--output={base}"]) == 0
    assert "finished before" in capsys.readouterr().out
    assert contents(base) == before


def test_lost_outputs_of_a_finished_run_are_written_again(arguments, finished, tmp_path):
    base = tmp_path / "run"
    shutil.copytree(finished, base)
    expected = (base / "model" / "metrics.json").read_bytes()
    (base / "model" / "metrics.json").unlink()
    (base / "model" / "model.safetensors").write_bytes(b"torn")
    assert program.main([*arguments, f"--output={base}"]) == 0
    assert (base / "model" / "metrics.json").read_bytes() == expected
    noted = (base / "model" / "metrics.jsonl").read_text().splitlines()
    assert sum('"final"' in line and '"val_accuracy"' in line for line in noted) == 1


def contents(base: Path) -> dict[str, bytes]:
    files = (path for path in base.rglob("*") if path.is_file())
    return {str(path.relative_to(base)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--learning_rate=0.5", r"learning_rate=0\.002, this run has 0\.5"),
        ("--width=24", "width=16, this run has 24"),
        ("--network=attention", "network='arr_coc', this run has 'attention'"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(option, told, arguments, halfway):
    """Also where it does not fit the network: that is no damage, and nothing begins anew."""
    before = contents(halfway / "checkpoints")
    with pytest.raises(TrainerError, match=f"made with {told}; use another output directory"):
        program.main([*arguments, option, f"--output={halfway}"])
    assert contents(halfway / "checkpoints") == before


def test_newest_and_best_checkpoints_are_kept(finished):
    kept = checkpoints(finished / "checkpoints")
    scores = {path.name: json.loads((path / "manifest.json").read_text()) for path in kept}
    assert [path.name[-2:] for path in kept][-3:] == ["16", "20", "24"]
    best = max(
        (found["value"], found["step"])
        for found in map(json.loads, (finished / "model/metrics.jsonl").read_text().splitlines())
        if found["split"] == "validation" and found["name"] == "accuracy"
    )
    assert f"step-{best[1]:08d}" in scores


def test_data_order_is_a_function_of_seed_epoch_and_step():
    torch.manual_seed(1)
    first = [step_index(10, 3, 5, step).tolist() for step in range(6)]
    torch.manual_seed(2)
    assert [step_index(10, 3, 5, step).tolist() for step in range(6)] == first
    epoch = [image for step in first[:3] for image in step]
    assert len(set(epoch)) == len(epoch) == 9
    assert epoch_order(10, 5, 0).tolist() != epoch_order(10, 5, 1).tolist()
    assert epoch_order(10, 5, 0).tolist() != epoch_order(10, 6, 0).tolist()


def test_a_non_finite_loss_stops_before_the_step(arguments, tmp_path):
    wild = [*arguments, "--learning_rate=1e30", "--clip=1e30", "--warmup=0"]
    with pytest.raises(TrainerError, match=r"the loss is (nan|inf) at step \d+; ") as caught:
        program.main([*wild, "--checkpoint_every=1", f"--output={tmp_path}"])
    last = checkpoints(tmp_path / "checkpoints")[-1]
    assert f"last good checkpoint: {last}" in str(caught.value)
    step = int(str(caught.value).split("step ")[1].split(";")[0])
    assert last.name == f"step-{step - 1:08d}"


def test_cuda_is_missed_before_data_is_read(arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # also on a machine with one
    with pytest.raises(TrainerError, match="no CUDA device is visible"):
        program.main(["--textures=/nowhere", "--device=cuda", f"--output={tmp_path}"])
