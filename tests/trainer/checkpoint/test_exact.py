"""Each part of the saved state is needed, and each way of computing is continued exactly."""

import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import fields

import numpy as np
import processes
import pytest
import torch
from safetensors.torch import load_file

from trainer import train as program
from trainer.checkpoint import state
from trainer.checkpoint.checkpoint import checkpoints
from trainer.config import check, parse
from trainer.data.dataset import Split
from trainer.distributed import check_compiler, prepare
from trainer.errors import TrainerError, UsageError
from trainer.settings import TrainSettings
from trainer.train import accumulate_gradients, resume, train
from trainer.vertex import StopRequest, read_context

# With such a rate no epoch is better than the first: two later ones end the run.
SLOW = ["--learning_rate=1e-12", "--patience=2", "--epochs=6"]
GENERATORS = ("python", "numpy", "torch")
PARTS = {
    "model": [], "moments": [], "step": [], "python": [], "numpy": [], "torch": [],
    "best": SLOW, "stale": SLOW,
}  # fmt: skip


@pytest.fixture
def noisy(monkeypatch):
    """Let every generator have a say in every step, as augmentation in a loader would."""
    batch = Split.batch

    def drawn(self, index):
        factor = 1 + 0.01 * (random.random() + np.random.rand())  # noqa: S311, NPY002
        found = batch(self, index)
        return found._replace(textures=found.textures * factor)

    monkeypatch.setattr(Split, "batch", drawn)


def assembled(arguments, base):
    settings = parse(TrainSettings, [*arguments, f"--output={base}"])
    context = read_context({}, str(base))
    data = program.read_data(settings, context, prepare(settings))
    return program.assemble(settings, context, data, StopRequest())


def parts_of(run):
    """Copy each part of the state as it is now, as functions that put it back."""
    weights = {name: value.clone() for name, value in run.model.state_dict().items()}
    python, own = random.getstate(), torch.get_rng_state()
    legacy = np.random.get_state()  # noqa: NPY002
    # The step is one off, not 0: a run from the start would only repeat what is known.
    return {
        "model": lambda: run.model.load_state_dict(weights),
        "moments": lambda: run.optimizer.state.clear(),  # noqa: PLW0108 - resuming makes another one
        "step": lambda: setattr(run, "step", run.step - 1),
        "python": lambda: random.setstate(python),
        "numpy": lambda: np.random.set_state(legacy),  # noqa: NPY002
        "torch": lambda: torch.set_rng_state(own),
        "best": lambda: setattr(run, "best", None),
        "stale": lambda: setattr(run, "stale", 0),
        "nothing": lambda: None,
    }


def continued(part, arguments, base):
    """Continue at the newest checkpoint, one part of the state lost on the way."""
    run = assembled(arguments, base)
    lose = parts_of(run)[part]
    assert resume(run)
    lose()
    run.log.truncate(run.step)
    train(run)


@pytest.fixture
def undisturbed(noisy, arguments, tmp_path):
    """A function: base directory of a whole run with options, only checkpoints to 20 kept."""

    def make(options):
        every = [*arguments, "--keep_checkpoints=99", *options]
        train(assembled(every, tmp_path / "whole"))
        shutil.copytree(tmp_path / "whole", tmp_path / "again")
        for path in checkpoints(tmp_path / "again" / "checkpoints"):
            if path.name > "step-00000020":
                shutil.rmtree(path)
        return every, tmp_path / "whole", tmp_path / "again"

    return make


@pytest.mark.parametrize("options", [[], SLOW])
def test_nothing_lost_is_exact(options, undisturbed, losses):
    arguments, whole, again = undisturbed(options)
    continued("nothing", arguments, again)
    assert losses(again) == losses(whole)
    assert losses(whole)[-1][0] == 24


@pytest.mark.parametrize("part", PARTS)
def test_without_a_part_of_the_state_it_is_not(part, undisturbed, losses):
    arguments, whole, again = undisturbed(PARTS[part])
    continued(part, arguments, again)
    assert losses(again) != losses(whole)


def test_no_part_of_the_state_is_left_out_here():
    """`loss` is in metrics.json (test_resume), `identity` is refused when it differs."""
    known = {field.name for field in fields(state.State)} - {"random"}
    assert known - {"loss", "identity"} == PARTS.keys() - set(GENERATORS)
    assert set(state.random_state()) - {"numpy_keys", "cuda"} == set(GENERATORS)


COMPILER = shutil.which(os.environ.get("CXX", "g++"))
COMPUTED = {
    "in parts": ["--precision=bfloat16", "--accumulate=2"],
    "compiled": ["--precision=bfloat16", "--accumulate=2", "--compile=true"],
}


def run_whole(arguments, base):
    command = [sys.executable, "-m", "trainer", *arguments, f"--output={base}"]
    processes.run(command, check=True, stdout=subprocess.DEVNULL)


def kill_at(step, arguments, base):
    command = [sys.executable, "-m", "trainer", *arguments, f"--output={base}"]
    with processes.started(command, stdout=subprocess.PIPE, text=True) as process:
        while not process.stdout.readline().startswith(f"step {step}/"):
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("way", COMPUTED)
def test_sigkill_with_another_way_of_computing(way, arguments, finished, losses, tmp_path):
    if way == "compiled" and not COMPILER:
        pytest.skip("no C++ compiler: torch.compile is not tested")
    options = [*arguments, *COMPUTED[way]]
    run_whole(options, tmp_path / "whole")
    kill_at(11, options, tmp_path / "killed")
    run_whole(options, tmp_path / "killed")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert losses(tmp_path / "whole") != losses(finished)
    weights, plain = (
        load_file(b / "model/model.safetensors") for b in (tmp_path / "whole", finished)
    )
    assert {n: (w.dtype, w.shape) for n, w in weights.items()} == {
        n: (w.dtype, w.shape) for n, w in plain.items()
    }


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_the_gradient_of_parts_is_that_of_the_whole(parts, arguments, tmp_path):
    plain = [*arguments, "--dropout=0", "--batch=7"]  # seven images: the parts are unequal
    gradients = []
    for options in ([], [f"--accumulate={parts}"]):
        run = assembled([*plain, *options], tmp_path)
        run.model.train()
        accumulate_gradients(run)
        gradients.append({n: p.grad for n, p in run.model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name, rtol=1e-3, atol=1e-6)


def test_bfloat16_learns_as_float32_does(arguments, finished, losses, tmp_path):
    """The same losses to the accuracy of bfloat16 (8 bits), and not to that of float32."""
    program.main([*arguments, "--precision=bfloat16", f"--output={tmp_path}"])
    pairs = list(zip(losses(tmp_path), losses(finished), strict=True))
    apart = max(abs(mine - other) / other for (_, mine), (_, other) in pairs)
    assert 1e-6 < apart < 0.02


def test_more_parts_than_images_are_a_mistake(arguments, tmp_path):
    with pytest.raises(UsageError, match="accumulate=5 is more than batch=4"):
        program.main([*arguments, "--accumulate=5", f"--output={tmp_path}"])
    with pytest.raises(UsageError, match="accumulate=3 times processes=2 is more than batch=4"):
        program.main([*arguments, "--accumulate=3", "--processes=2", f"--output={tmp_path}"])
    with pytest.raises(UsageError, match="accumulate=5 is more than batch=4"):
        check("trainer.vlm", {"data": "x", "backbone": "y", "accumulate": 5})


def test_a_gpu_without_bfloat16_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    with pytest.raises(TrainerError, match=r"^Tesla T4 has no bfloat16; use --precision=float32$"):
        prepare(TrainSettings(textures="x", precision="bfloat16"))


def test_compiling_needs_a_compiler(arguments, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        TrainerError, match=r"--compile=true needs g\+\+ on the path, or another in"
    ):
        program.main([*arguments, "--compile=true", f"--output={tmp_path}"])
    with pytest.raises(TrainerError, match="needs gcc or clang on the path, or another in \\$CC"):
        check_compiler(torch.device("cuda"))
