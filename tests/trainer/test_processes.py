"""Several processes train as one does, are continued exactly, and stop together. On CPUs, by gloo.

Each run costs the start of two or three interpreters, so tests share runs: the two processes that
others are compared with are two machines that have nothing in common but a bucket.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import processes
import pytest
import torch
from safetensors.torch import load_file

from dagfactory.emulator.testing import shared
from trainer import export
from trainer import train as program
from trainer.checkpoint import state
from trainer.checkpoint.checkpoint import MANIFEST, STATE, checkpoints
from trainer.data.dataset import hold_out, load_textures
from trainer.evaluate import measure

TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node=3", "-m", "trainer"]
OURS = ["-m", "trainer", "--processes=2"]

pytestmark = pytest.mark.e2e  # each run starts two or three interpreters that import torch


def start(arguments, base, how=OURS, **environment):
    return processes.started(
        [sys.executable, *how, *arguments, f"--output={base}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def finish(process):
    """Exit code, standard output and error of a process."""
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def train_together(arguments, base, how=OURS):
    code, output, errors = finish(start(arguments, base, how))
    assert code == 0, output + errors
    return output, errors


def wait_for(process, step):
    """Wait for a step, or one behind it: a signal may come late, and a run goes on where it was."""
    for line in process.stdout:
        found = re.match(r"step (\d+)/", line)
        if found and int(found[1]) >= step:
            return int(found[1])
    return pytest.fail(f"the process ended before step {step}: {process.stderr.read()}")


def saved_step(base):
    newest = checkpoints(base / "checkpoints")[-1]
    return json.loads((newest / MANIFEST).read_text())["step"]


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
    wait_for(process, step)
    assert len(workers(base)) >= 3
    process.kill()
    process.communicate(timeout=processes.LIMIT)
    deadline = time.monotonic() + 20
    while workers(base):
        assert time.monotonic() < deadline, "workers outlive their agent"
        time.sleep(0.05)


def stop_at(step, arguments, base, how=OURS):
    """SIGTERM for the agent; returns its exit code and the step that was saved."""
    process = start(arguments, base, how)
    reached = wait_for(process, step)
    process.send_signal(signal.SIGTERM)
    code, output, _ = finish(process)
    saved = saved_step(base)
    assert f"stopped at step {saved} of 24, checkpoint saved" in output
    assert reached <= saved < reached + 5
    return code, saved


class Machines:
    """Two machines of a CLUSTER_SPEC as Vertex AI sets it, on loopback, without a mount.

    Each has a temporary directory of its own, at every start another one.
    """

    def __init__(self, emulator, arguments, base, scratch):
        self.arguments, self.base, self.scratch = arguments, base, scratch
        self.shared = emulator.environ() | {"CLOUD_ML_JOB_ID": "123", "GCSFUSE_ROOT": ""}

    def run(self, name, *options):
        cluster = {f"workerpool{n}": [f"127.0.0.1:{free_port()}"] for n in (0, 1)}
        machines = []
        for pool in cluster:
            (self.scratch / f"{name}-{pool}").mkdir()
            spec = {"cluster": cluster, "task": {"type": pool, "index": 0}, "environment": "cloud"}
            own = {
                "TMPDIR": str(self.scratch / f"{name}-{pool}"), "CLUSTER_SPEC": json.dumps(spec),
            }  # fmt: skip
            every = [*self.arguments, *options]
            machines.append(start(every, self.base, ["-m", "trainer"], **self.shared, **own))
        return [finish(machine) for machine in machines]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(arguments, textures, tmp_path_factory):
    """What two machines say when the time is up after a step, and when they start again."""
    emulator = shared()
    scratch = tmp_path_factory.mktemp("cluster")
    files = emulator.state / "gcs" / "cluster" / scratch.name
    shutil.copytree(textures, files / "textures")
    address = f"gs://cluster/{scratch.name}"
    arguments = [*arguments, f"--textures={address}/textures"]
    machines = Machines(emulator, arguments, f"{address}/run", scratch)
    return machines.run("first", "--max_seconds=1e-9"), machines.run("second"), files / "run"


@pytest.fixture(scope="module")
def together(arguments, cluster, tmp_path_factory):
    """A function: base directory of a run of two processes that nobody kills."""
    made = {"ddp": cluster[-1]}

    def run(parallel):
        if parallel not in made:
            made[parallel] = tmp_path_factory.mktemp(parallel)
            options = [*arguments, f"--parallel={parallel}"]
            assert train_together(options, made[parallel])[1] == ""  # nothing but progress is said
        return made[parallel]

    return run


def test_two_machines_that_share_a_bucket(cluster):
    (first, worker), (again, worker_again), _ = cluster
    assert (first[0], worker[0]) == (75, 75), first[2] + worker[2]
    assert "stopped at step 1 of 24, checkpoint saved" in first[1]
    assert (again[0], worker_again[0]) == (0, 0), again[2] + worker_again[2]
    assert "resumed at step 1 of 24" in again[1]
    assert "finished: val_accuracy" in again[1]
    assert worker[1] + worker_again[1] == ""  # the first process speaks for all


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_train_as_one_does(parallel, arguments, losses, tmp_path):
    options = [*arguments, "--dropout=0", "--accumulate=2"]
    train_together([*options, f"--parallel={parallel}"], tmp_path / "two")
    assert program.main([*options, f"--output={tmp_path / 'one'}"]) == 0
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert [step for step, _ in two] == list(range(1, 25))
    assert [value for _, value in two] == pytest.approx([value for _, value in one], rel=1e-3)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_killed_stopped_and_resumed(parallel, arguments, together, losses, tmp_path):
    options = [*arguments, f"--parallel={parallel}"]
    kill_at(10, options, tmp_path)
    saved = saved_step(tmp_path)
    assert saved >= 8
    if parallel == "ddp":
        code, saved = stop_at(11, options, tmp_path)
        assert code == 143
    output, errors = train_together(options, tmp_path)
    assert f"resumed at step {saved} of 24" in output
    assert errors == ""
    assert losses(tmp_path) == losses(together(parallel))
    names = ("model.safetensors", "metrics.json")
    mine, others = (
        [(b / "model" / n).read_bytes() for n in names] for b in (tmp_path, together(parallel))
    )
    assert mine == others


def test_three_processes_of_torchrun(arguments, losses, tmp_path):
    """With three, the order of a sum depends on how DDP lays out its buckets."""
    options = [*arguments, "--dropout=0.5", "--checkpoint_every=1000"]
    train_together(options, tmp_path / "whole", TORCHRUN)
    code, saved = stop_at(3, options, tmp_path / "stopped", TORCHRUN)
    assert code in {1, 143, -15}
    output, _ = train_together(options, tmp_path / "stopped", TORCHRUN)
    assert f"resumed at step {saved} of 24" in output
    assert losses(tmp_path / "stopped") == losses(tmp_path / "whole")


def test_the_generators_of_every_process_are_needed(
    arguments, together, losses, write_state, tmp_path
):
    shutil.copytree(together("ddp"), tmp_path / "run")
    shutil.rmtree(checkpoints(tmp_path / "run" / "checkpoints")[-1])
    newest = checkpoints(tmp_path / "run" / "checkpoints")[-1]
    found = state.decode((newest / STATE).read_bytes())
    assert len(found.random) == 2
    found.random[1] = found.random[0]
    write_state(newest, state.encode(found))
    train_together(arguments, tmp_path / "run")
    mine, others = losses(tmp_path / "run"), losses(together("ddp"))
    assert mine[:20] == others[:20]
    assert mine[20:] != others[20:]


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
    saved = state.decode((newest / STATE).read_bytes())
    weights = load_file(base / "model" / "model.safetensors")
    assert all(torch.equal(saved.model[name], value) for name, value in weights.items())
    model.load_state_dict(saved.model)


def test_one_process_goes_on_where_two_stopped(arguments, together, losses, tmp_path, capsys):
    base = tmp_path / "run"
    shutil.copytree(together("ddp"), base)
    shutil.rmtree(checkpoints(base / "checkpoints")[-1])
    assert program.main([*arguments, f"--output={base}"]) == 0
    said = capsys.readouterr().out
    assert "saved by 2 processes, continued by 1: new random numbers, not bit for bit" in said
    assert "resumed at step 20 of 24" in said
    mine, others = losses(base), losses(together("ddp"))
    assert (len(mine), mine[:20]) == (24, others[:20])


def test_a_worker_that_is_killed_before_it_joins_is_named(arguments, tmp_path):
    process = start(arguments, tmp_path)
    deadline = time.monotonic() + processes.LIMIT
    while len(found := workers(tmp_path)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    own = next(path for path in found if path.parent.name != str(process.pid))
    os.kill(int(own.parent.name), signal.SIGKILL)
    code, _, errors = finish(process)
    assert code == 1
    assert "was ended by SIGKILL: often it had no memory left; start again" in errors


def test_a_mistake_is_a_line_of_each_process_and_exit_1(arguments, tmp_path):
    """The first process finds it; the others find that it has gone."""
    options = [*arguments, f"--textures={tmp_path / 'none'}"]
    code, _, errors = finish(start(options, tmp_path / "run"))
    assert code == 1
    said = [line for line in errors.splitlines() if line.startswith("trainer: error")]
    missing = f"trainer: error: {tmp_path / 'none' / 'textures.json'} is missing"
    assert said.count(missing) == 1, errors
    lost = [line for line in said if " in process 1: lost the other processes: " in line]
    assert len(lost) == 1, errors
    assert "Traceback" not in errors, errors


def test_stage_relevance_leaves_parameters_unused(arguments, tmp_path):
    train_together([*arguments, "--stage=relevance", "--epochs=1"], tmp_path)
