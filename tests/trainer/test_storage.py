"""A file system and a bucket behind the same verbs; the bucket is the emulator's, over the wire."""

import json
import os
import re
import subprocess
import sys
import time

import processes
import pytest
import torch

from dagfactory.emulator.testing import shared
from trainer import storage as module
from trainer.checkpoint.checkpoint import checkpoints, prune
from trainer.checkpoint.state import load_newest
from trainer.errors import TrainerError
from trainer.storage import (
    BucketStorage,
    GsAddress,
    LocalStorage,
    PiecesStream,
    damaged_files,
    storage_of,
)
from trainer.vertex import local_path, locate, read_context

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
INSERT = "storage.objects.insert"


@pytest.fixture
def emulator(monkeypatch):
    found = shared()
    for name, value in found.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GCSFUSE_ROOT", raising=False)
    for bucket in ("verbs", "busy", "parts", "raced", "inputs", "out", "runs"):
        (found.state / "gcs" / bucket).mkdir(exist_ok=True)
    yield found
    found.faults()


@pytest.fixture(params=["local", "bucket"])
def storage_and_base(request, tmp_path):
    if request.param == "local":
        return LocalStorage(), tmp_path
    request.getfixturevalue("emulator")
    return BucketStorage(), GsAddress(f"gs://verbs/{tmp_path.name}")


def test_both_storages_do_the_same(storage_and_base):
    storage, base = storage_and_base
    assert storage.names(str(base / "none")) == []
    storage.write(str(base / "a" / "one"), [b"12", memoryview(b"345")])
    storage.write(str(base / "a" / "b" / "two"), [b""])
    storage.write(str(base / "a" / "one"), [b"again"])
    assert storage.names(str(base)) == ["a/"]
    assert storage.names(str(base / "a")) == ["b/", "one"]
    assert storage.read(str(base / "a" / "one"), largest=5) == b"again"
    with pytest.raises(TrainerError, match="one has 5 bytes, more than the 4 expected"):
        storage.read(str(base / "a" / "one"), largest=4)
    with pytest.raises(FileNotFoundError):
        storage.read(str(base / "a" / "none"))
    storage.remove(str(base / "a" / "one"))
    storage.remove(str(base / "a" / "one"))
    assert storage.names(str(base / "a")) == ["b/"]
    storage.remove(str(base / "a"))
    assert storage.names(str(base)) == []


def test_a_busy_service_is_asked_again(emulator, tmp_path):
    emulator.faults(f"error:503:2:{INSERT}")
    address = f"gs://busy/{tmp_path.name}"
    BucketStorage().write(address, [b"x" * 1000])
    assert BucketStorage().read(address) == b"x" * 1000


def test_an_upload_in_parts_survives_a_busy_service(emulator, tmp_path, monkeypatch):
    """More than 8 MiB make the upload a resumable one."""

    class Interrupted(PiecesStream):
        def read(self, size=-1):
            if self.tell() == 2**22:  # two parts are there
                emulator.faults(f"error:503:2:{INSERT}")
            return super().read(size)

    monkeypatch.setattr(module, "UPLOAD_PART", 2**21)
    monkeypatch.setattr(module, "PiecesStream", Interrupted)
    address, data = f"gs://parts/{tmp_path.name}", os.urandom(2**23 + 2**20 + 7)
    BucketStorage().write(address, [data[:1000], data[1000:]])
    assert BucketStorage().read(address) == data


def another_writes(emulator, name, content, monkeypatch):
    """Let somebody else write the object just before our upload reads its first byte."""

    class Raced(PiecesStream):
        def read(self, size=-1):
            path = emulator.state / "gcs" / "raced" / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return super().read(size)

    monkeypatch.setattr(module, "PiecesStream", Raced)


def test_nothing_is_overwritten_unseen(emulator, tmp_path, monkeypatch):
    another_writes(emulator, tmp_path.name, b"theirs", monkeypatch)
    address = f"gs://raced/{tmp_path.name}"
    with pytest.raises(TrainerError, match=r"^gs://raced/.* was written by somebody else$"):
        BucketStorage().write(address, [b"ours"])
    assert BucketStorage().read(address) == b"theirs"


def test_a_lost_answer_is_no_failure(emulator, tmp_path, monkeypatch):
    another_writes(emulator, tmp_path.name, b"the same", monkeypatch)
    BucketStorage().write(f"gs://raced/{tmp_path.name}", [b"the ", b"same"])


def test_pieces_are_one_stream():
    stream = PiecesStream([b"abc", b"", memoryview(b"defg")])
    assert [stream.read(2), stream.read(3), stream.tell(), stream.read()] == [
        b"ab",
        b"cde",
        5,
        b"fg",
    ]
    assert (stream.seek(-1, 2), stream.read(9), stream.read(1)) == (6, b"g", b"")
    assert (stream.seek(1), stream.read(3)) == (1, b"bcd")


def test_an_address_without_a_mount_stays_one():
    assert locate("gs://b/p/", {}) == GsAddress("gs://b/p")
    assert str(locate("gs://b/p", {"GCSFUSE_ROOT": "/"})) == "/b/p"
    found = read_context({"AIP_MODEL_DIR": "gs://b/run/model/"}, None)
    assert str(found.checkpoint_dir) == "gs://b/run/checkpoints"
    assert str(found.model_address) == "gs://b/run/model"


def test_trials_write_beside_each_other_also_in_a_bucket():
    found = read_context({"AIP_MODEL_DIR": "gs://b/run/model/"}, None).below("fast")
    assert (str(found.checkpoint_dir), found.log_dir) == ("gs://b/run/fast/checkpoints", None)
    assert str(found.model_address) == "gs://b/run/fast/model"
    logs = {"AIP_TENSORBOARD_LOG_DIR": "/x/run/logs/", "AIP_MODEL_DIR": "/x/run/model/"}
    found = read_context(logs, None).below("fast")
    assert [str(found.model_dir), str(found.log_dir)] == ["/x/run/fast/model", "/x/run/fast/logs"]


def test_inputs_are_fetched(emulator, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    storage = storage_of(GsAddress("gs://inputs"))
    for name in ("x/train-0", "x/train-1", "x/sub/deep"):
        storage.write(f"gs://inputs/{name}", [name.encode()])
    copy = local_path("gs://inputs/x")
    assert sorted(p.name for p in copy.rglob("*") if p.is_file()) == ["deep", "train-0", "train-1"]
    assert local_path("gs://inputs/x/train-1").read_text() == "x/train-1"
    with pytest.raises(TrainerError, match=r"^nothing is at gs://inputs/y$"):
        local_path("gs://inputs/y")
    pattern = local_path("gs://inputs/x/train-*")
    assert sorted(path.read_text() for path in pattern.parent.glob(pattern.name)) == [
        "x/train-0", "x/train-1",
    ]  # fmt: skip


def upload(emulator, directory, address):
    module.publish(directory, GsAddress(address))
    return address


class Machine:
    """A machine without a mount: nothing of one start is there at the next but the bucket."""

    def __init__(self, emulator, arguments, base, scratch):
        self.scratch, self.base = scratch, base
        self.command = [sys.executable, "-m", "trainer", *arguments]
        names = {"MODEL": "model", "CHECKPOINT": "checkpoints", "TENSORBOARD_LOG": "logs"}
        self.env = emulator.environ() | {f"AIP_{n}_DIR": f"{base}/{d}/" for n, d in names.items()}
        self.env.pop("GCSFUSE_ROOT", None)

    def start(self, name):
        (self.scratch / name).mkdir()
        env = self.env | {"TMPDIR": str(self.scratch / name)}
        return processes.started(
            self.command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, name):
        process = self.start(name)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, output + errors
        return output


def test_killed_in_an_upload_resumed_elsewhere(  # noqa: PLR0913, PLR0917
    emulator, arguments, textures, finished, losses, tmp_path
):
    where = upload(emulator, textures, f"gs://runs/{tmp_path.name}/textures")
    base = f"gs://runs/{tmp_path.name}/run"
    machine = Machine(emulator, [*arguments, f"--textures={where}"], base, tmp_path)
    files = emulator.state / "gcs" / "runs" / tmp_path.name / "run"
    process = machine.start("first")
    while not (files / "checkpoints" / "step-00000008" / "manifest.json").exists():
        assert process.poll() is None
        time.sleep(0.002)
    emulator.faults(f"error:503:1000:{INSERT}")
    time.sleep(4)
    assert process.poll() is None  # it would have ended: an upload does not get through
    process.kill()
    process.communicate(timeout=processes.LIMIT)
    acknowledged = [int(path.name[5:]) for path in checkpoints(files / "checkpoints")]
    assert 8 <= acknowledged[-1] < 24
    emulator.faults(f"error:503:2:{INSERT}")
    found = re.search(r"resumed at step (\d+) of 24", machine.run("second"))
    assert int(found[1]) >= acknowledged[-1]
    assert losses(files) == losses(finished)
    described = json.loads((files / "model" / "manifest.json").read_text())["files"]
    assert damaged_files(files / "model", described) == []
    weights = "model/model.safetensors"
    assert (files / weights).read_bytes() == (finished / weights).read_bytes()
    assert json.loads((files / "model" / "metrics.json").read_text())["complete"] is True
    assert list((files / "logs").glob("events.out.tfevents.*"))
    assert f"finished before: the model is in {base}/model" in machine.run("third")


def test_curves_for_tensorboard(arguments, losses, tmp_path, monkeypatch):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from trainer.train import main

    monkeypatch.setenv("AIP_TENSORBOARD_LOG_DIR", str(tmp_path / "curves"))
    every = [*arguments, f"--output={tmp_path}"]
    assert main([*every, "--max_seconds=1e-9"]) == 75
    assert main(every) == 0
    found = events.EventAccumulator(str(tmp_path / "curves"))
    found.Reload()
    shown = [(event.step, event.value) for event in found.Scalars("train/loss")]
    assert shown == [(step, pytest.approx(value)) for step, value in losses(tmp_path)]
    assert {"train/learning_rate", "validation/accuracy"} <= set(found.Tags()["scalars"])


def test_without_tensorboard_a_line_says_so(arguments, tmp_path, monkeypatch, capsys):
    from trainer.train import main

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setenv("AIP_TENSORBOARD_LOG_DIR", str(tmp_path / "curves"))
    assert main([*arguments, "--epochs=1", f"--output={tmp_path}"]) == 0
    line = "no curves for TensorBoard: the package tensorboard is not installed\n"
    assert capsys.readouterr().out.count(line) == 1


def test_a_missing_bucket_is_one_line(emulator):
    with pytest.raises(OSError, match=r"^cannot list gs://none/p: 404 [^\n]* not exist"):
        BucketStorage().names("gs://none/p")


def test_a_refusal_is_one_line(emulator):
    emulator.faults("error:403:1:storage.objects.list")
    with pytest.raises(OSError, match=r"^cannot list gs://b/p: 403 [^\n]*$"):
        BucketStorage().names("gs://b/p")


@pytest.mark.parametrize("call", ["get", "list"])
def test_an_unreachable_checkpoint_is_not_a_damaged_one(call, emulator, finished, tmp_path):
    """Passed over, it would be lost: the next save prunes what lies beyond its step."""
    root = GsAddress(f"gs://out/{tmp_path.name}/checkpoints")
    for directory in checkpoints(finished / "checkpoints"):
        upload(emulator, directory, str(root / directory.name))
    kept = [folder.name for folder in checkpoints(root)]
    emulator.faults(f"error:403:1:storage.objects.{call}")
    with pytest.raises(OSError, match="403"):
        load_newest(root, torch.nn.Linear(1, 1), {})
    emulator.faults(f"error:403:1:storage.objects.{call}")
    with pytest.raises(OSError, match="403"):
        prune(root, keep=1, step=24)
    assert [folder.name for folder in checkpoints(root)] == kept


def test_without_the_client_library_a_line_says_so(monkeypatch):
    module.bucket_storage.cache_clear()
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(TrainerError, match="FUSE mount at /gcs, or the package google-cloud-sto"):
        storage_of(GsAddress("gs://b/p"))
