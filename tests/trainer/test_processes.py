"""Several processes train as one does, are continued exactly, and stop together. On CPUs, by gloo."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from trainer import export, state
from trainer import train as program
from trainer.dataset import hold_out, load_textures
from trainer.errors import TrainerError
from trainer.manifest import MANIFEST, STATE, checkpoints
from trainer.measure import measure

TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node=2", "-m", "trainer"]
OURS = ["-m", "trainer", "--processes=2"]

pytestmark = pytest.mark.e2e  # each run starts two or three interpreters that import torch


def start(arguments, base, how=OURS, **environment):
    return subprocess.Popen(
        [sys.executable, *how, *arguments, f"--output={base}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def finish(process):
    """Exit code, standard output and error of a process."""
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def train_together(arguments, base, how=OURS, **environment):
    code, output, errors = finish(start(arguments, base, how, **environment))
    assert code == 0, output + errors
    return output, errors


def wait_for(process, text):
    for line in process.stdout:
        if line.startswith(text):
            return
    pytest.fail(f"the process ended without {text!r}: {process.stderr.read()}")


def workers(base):
    """Living processes that train into a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"--output={base}".encode() in path.read_bytes().split(b"\0"):
                found.append(path)
        except OSError:  # it ended meanwhile
            continue
    return found


def kill_at(step, arguments, base, how=OURS):
    """SIGKILL for the agent; the kernel ends its workers."""
    process = start(arguments, base, how)
    wait_for(process, f"step {step}/")
    assert len(workers(base)) >= 3
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while workers(base):
        assert time.monotonic() < deadline, "workers outlive their agent"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def together(arguments, tmp_path_factory):
    """A function: base directory of an undisturbed run of two processes."""
    made = {}

    def run(parallel):
        if parallel not in made:
            made[parallel] = tmp_path_factory.mktemp(parallel)
            options = [*arguments, f"--parallel={parallel}"]
            assert train_together(options, made[parallel])[1] == ""  # nothing but progress is said
        return made[parallel]

    return run


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_train_as_one_does(parallel, arguments, losses, tmp_path):
    options = [*arguments, "--dropout=0", "--accumulate=2"]
    train_together([*options, f"--parallel={parallel}"], tmp_path / "two")
    assert program.main([*options, f"--output={tmp_path / 'one'}"]) == 0
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert [step for step, _ in two] == list(range(1, 25))
    assert [value for _, value in two] == pytest.approx([value for _, value in one], rel=1e-3)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_sigkill_of_all_and_resume(parallel, arguments, together, losses, tmp_path):
    options = [*arguments, f"--parallel={parallel}"]
    kill_at(10, options, tmp_path)
    output, _ = train_together(options, tmp_path)
    assert "resumed at step" in output
    assert losses(tmp_path) == losses(together(parallel))
    names = ("model.safetensors", "metrics.json")
    mine, others = (
        [(b / "model" / n).read_bytes() for n in names] for b in (tmp_path, together(parallel))
    )
    assert mine == others


def test_three_processes_and_torchrun(arguments, losses, tmp_path):
    """With three, the order of a sum depends on how DDP lays out its buckets."""
    options = [*arguments, "--dropout=0.5"]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node=3", "-m", "trainer"]
    train_together(options, tmp_path / "whole", torchrun)
    kill_at(13, options, tmp_path / "killed", torchrun)
    output, _ = train_together(options, tmp_path / "killed", torchrun)
    assert "resumed at step 12 of 24" in output
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_the_generators_of_every_process_are_needed(
    arguments, together, losses, write_state, tmp_path
):
    shutil.copytree(together("ddp"), tmp_path / "run")
    shutil.rmtree(checkpoints(tmp_path / "run" / "checkpoints")[-1])
    newest = checkpoints(tmp_path / "run" / "checkpoints")[-1]
    found = state.unpack((newest / STATE).read_bytes())
    assert len(found.random) == 2
    found.random[1] = found.random[0]
    write_state(newest, state.pack(found))
    train_together(arguments, tmp_path / "run")
    mine, others = losses(tmp_path / "run"), losses(together("ddp"))
    assert mine[:20] == others[:20]
    assert mine[20:] != others[20:]


@pytest.mark.parametrize(("how", "codes"), [(OURS, {143}), (TORCHRUN, {1, 143, -15})])
def test_sigterm_saves_one_step_of_all(how, codes, arguments, together, losses, tmp_path):  # noqa: PLR0913, PLR0917
    rare = [*arguments, "--checkpoint_every=1000"]
    process = start(rare, tmp_path, how)
    wait_for(process, "step 3/")
    process.send_signal(signal.SIGTERM)
    code, output, _ = finish(process)
    assert code in codes
    (only,) = checkpoints(tmp_path / "checkpoints")
    step = json.loads((only / MANIFEST).read_text())["step"]
    assert f"stopped at step {step} of 24, checkpoint saved" in output
    assert step < 8
    train_together(rare, tmp_path)
    assert losses(tmp_path) == losses(together("ddp"))


def test_when_the_time_is_up_all_leave_with_75(arguments, tmp_path):
    code, output, _ = finish(start([*arguments, "--max_seconds=1e-9"], tmp_path))
    assert code == 75
    assert "stopped at step 1 of 24, checkpoint saved" in output


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_what_two_made_one_can_read(parallel, together, textures):
    base = together(parallel)
    model, step = export.load_model(base / "model")
    assert step == 24
    _, validation = hold_out(load_textures(textures, torch.device("cpu")).train, 0.1)
    told = json.loads((base / "model" / "metrics.json").read_text())["metrics"]
    found = {f"val_{name}": value for name, value in measure(model, validation, 50).items()}
    assert found == pytest.approx({name: told[name] for name in found})
    newest = checkpoints(base / "checkpoints")[-1]
    saved = state.unpack((newest / STATE).read_bytes())
    weights = load_file(base / "model" / "model.safetensors")
    assert all(torch.equal(saved.model[name], value) for name, value in weights.items())
    model.load_state_dict(saved.model)


def test_another_number_of_processes_is_refused(arguments, together, tmp_path):
    shutil.copytree(together("ddp"), tmp_path / "run")
    with pytest.raises(TrainerError, match="made with processes=2, this run has 1; use another"):
        program.main([*arguments, f"--output={tmp_path / 'run'}"])


def test_a_mistake_of_all_is_a_line_each_and_exit_1(arguments, tmp_path):
    code, _, errors = finish(start([*arguments, "--batch=3", "--accumulate=2"], tmp_path))
    assert code == 1
    lines = errors.splitlines()
    assert "trainer: error: 3 images a step are too few for 2 processes and accumulate=2" in lines
    assert all(line.startswith("trainer: error") for line in lines)


def test_stage_relevance_leaves_parameters_unused(arguments, tmp_path):
    train_together([*arguments, "--stage=relevance", "--epochs=1"], tmp_path)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_two_machines_of_a_cluster_train_together(arguments, together, losses, tmp_path):
    """CLUSTER_SPEC as Vertex AI sets it, both machines on loopback."""
    cluster = {
        "workerpool0": [f"127.0.0.1:{free_port()}"], "workerpool1": [f"127.0.0.1:{free_port()}"],
    }  # fmt: skip
    machines = [
        start(arguments, tmp_path, ["-m", "trainer"], CLOUD_ML_JOB_ID="123", CLUSTER_SPEC=json.dumps(
            {"cluster": cluster, "task": {"type": pool, "index": 0}, "environment": "cloud"}
        ))
        for pool in cluster
    ]  # fmt: skip
    first, second = (finish(machine) for machine in machines)
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    assert "finished: val_accuracy" in first[1]
    assert second[1] == ""
    assert losses(tmp_path) == losses(together("ddp"))
