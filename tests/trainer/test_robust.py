"""What goes wrong beside a run is one line, and costs nothing that was made."""

import json
import math
import shutil
import subprocess
import sys

import processes
import pytest
import torch
from safetensors.torch import load_file

from trainer import train as program
from trainer.checkpoint import checkpoint, lease, state
from trainer.checkpoint.checkpoint import checkpoints
from trainer.data.dataset import Split, hold_out, load_textures
from trainer.data.exchange import ImageRecord, encode_png, pictures, read_records
from trainer.data.textures import picture_tensors
from trainer.errors import TrainerError, run_program
from trainer.evaluate import failed_checks, uncountable
from trainer.pack import pack
from trainer.report import metrics
from trainer.report import pictures as drawn
from trainer.settings import EvaluateSettings
from trainer.storage import read_json, write_bytes
from trainer.vertex import StopRequest, read_cluster


def test_a_lost_model_directory_is_written_again(arguments, finished, tmp_path, capsys):
    shutil.copytree(finished / "checkpoints", tmp_path / "checkpoints")
    assert program.main([*arguments, f"--output={tmp_path}"]) == 0
    assert "no curves.png: the log of the training steps is lost" in capsys.readouterr().out
    found, expected = (read_json(base / "model/metrics.json") for base in (tmp_path, finished))
    assert found == expected
    names = read_json(tmp_path / "model/manifest.json")["files"]
    assert "model.safetensors" in names
    assert "curves.png" not in names
    assert program.main([*arguments, f"--output={tmp_path}"]) == 0
    assert "finished before" in capsys.readouterr().out


def test_a_picture_that_cannot_be_drawn_is_a_line(tmp_path, capsys):
    def draw():
        raise ZeroDivisionError("no range")

    assert not drawn.write_picture(tmp_path / "x.png", draw)
    assert capsys.readouterr().out == "no x.png: no range\n"


def test_a_bug_in_one_member_stops_it_alone(arguments, tmp_path, monkeypatch, capsys):
    finish = pack.finish

    def broken(run, textures):
        if run.settings.seed == 1:
            raise ZeroDivisionError("a bug")
        finish(run, textures)

    monkeypatch.setattr(pack, "finish", broken)
    trials = {"a": {"seed": 1}, "b": {"seed": 2}}
    given = [*arguments, "--epochs=1", f"--trials={json.dumps(trials)}", f"--output={tmp_path}"]
    with pytest.raises(TrainerError, match="1 of 2 trials failed: a"):
        pack.main(given)
    assert "a: error: ZeroDivisionError('a bug')" in capsys.readouterr().err
    assert read_json(tmp_path / "b/model/metrics.json")["complete"]


def test_lines_of_one_image_are_validated_together(data):
    records = list(read_records(sorted(data.glob("train*.jsonl"))))
    twice = [record for record in records[:6] for _ in range(3)]
    assert pictures(twice) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]
    tensors = {"textures": torch.arange(18), "tokens": torch.zeros(1)} | picture_tensors(twice)
    training, validation = hold_out(Split(tensors), 0.34)
    seen, held = (set(part.tensors["picture"].tolist()) for part in (training, validation))
    assert (len(seen), len(held), seen & held) == (4, 2, set())
    assert picture_tensors(records) == {}


def test_the_same_picture_under_another_name_is_the_same(data):
    record = next(read_records(sorted(data.glob("train*.jsonl"))))
    other = record.model_copy(update={"image_id": "other"})
    changed = ImageRecord(**record.model_dump() | {"image": encode_png(255 - record.pixels())})
    assert pictures([record, other, changed]) == [0, 0, 1]


def test_what_cannot_be_counted_is_not_judged(textures):
    whole = load_textures(textures, torch.device("cpu")).held_out
    assert uncountable(whole) == set()
    none = {"relational": torch.zeros_like(whole.tensors["relational"])}
    none["relevance"] = torch.zeros_like(whole.tensors["relevance"])
    lacking = uncountable(Split(whole.tensors | none))
    assert lacking == {
        "relational_accuracy", "recall_at_k", "budget_on_target_ratio", "relevance_iou",
    }  # fmt: skip
    good = {"query_distinctness": 0.5, "budget_std": 1.0, "ablation_drop": 0.1, "budget_most": 9.0}
    good |= {"lambda_1": 0.5, "lambda_2": 0.5, "lambda_3": 0.5} | dict.fromkeys(lacking, math.nan)
    settings = EvaluateSettings(model="m", textures="t")
    assert failed_checks(good, settings, 4000, lacking) == []
    assert failed_checks(good, settings, 4000)


def test_numbers_that_json_does_not_have_are_null(tmp_path):
    log = metrics.MetricsLog(tmp_path / "metrics.jsonl")
    log.add(1, "train", "loss", math.nan)
    log.close()
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["value"] is None
    assert drawn.read_series(tmp_path / "metrics.jsonl") == {}


def test_lines_of_the_steps_before_a_broken_one_are_kept(arguments, tmp_path):
    wild = [*arguments, "--learning_rate=1e30", "--clip=1e30", "--warmup=0"]
    with pytest.raises(TrainerError, match=r"the loss is (nan|inf) at step 2"):
        program.main([*wild, f"--output={tmp_path}"])
    assert '"step": 1' in (tmp_path / "model" / "metrics.jsonl").read_text()


def test_a_full_disk_names_the_file(tmp_path):
    """/dev/full answers each write as a full disk does."""
    (tmp_path / ".state.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device: '.*/state'"):
        write_bytes(tmp_path / "state", b"x" * 2**20)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_names_the_last_good_checkpoint(arguments, tmp_path, monkeypatch):
    save = checkpoint.save

    def full(root, progress, groups, data):
        if progress.step > 4:
            raise OSError(28, "No space left on device", str(root / "state"))
        return save(root, progress, groups, data)

    monkeypatch.setattr(checkpoint, "save", full)
    with pytest.raises(TrainerError, match=r"No space left.*state'; last good checkpoint: .*04$"):
        program.main([*arguments, f"--output={tmp_path}"])
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == ["step-00000004"]


@pytest.mark.parametrize("document", [{}, {"files": {}, "grid": 15, "words": []}])
def test_textures_without_a_key_are_a_line(document, tmp_path):
    (tmp_path / "textures.json").write_text(json.dumps(document))
    with pytest.raises(TrainerError, match=r"textures.json has no 'answers'"):
        load_textures(tmp_path, torch.device("cpu"))


def test_a_port_that_is_no_number_is_a_line():
    with pytest.raises(TrainerError, match="MASTER_PORT is 'abc', not a number"):
        read_cluster({"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "abc"})


def test_a_third_pool_has_no_rank():
    cluster = {"workerpool0": ["a:1"], "workerpool1": ["b:1"], "workerpool2": ["c:1"]}
    spec = {"cluster": cluster, "task": {"type": "workerpool2", "index": 0}}
    with pytest.raises(TrainerError, match="workerpool2 does not train; use two pools at most"):
        read_cluster({"CLUSTER_SPEC": json.dumps(spec)})


def test_ctrl_c_asks_to_stop():
    import signal

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        stop = StopRequest().install()
        signal.raise_signal(signal.SIGINT)
        assert stop.asked
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)


def test_ctrl_c_before_the_first_step_is_a_line(capsys):
    def main(_argv):
        raise KeyboardInterrupt

    assert run_program(main) == 130
    assert capsys.readouterr().err.count("\n") == 1


def test_a_loss_that_equals_the_limit_passes():
    assert checkpoint.loss_problems(10.0, 10.0) == []
    assert checkpoint.loss_problems(10.5, 10.0) == ["the loss 10.5000 is above 10.0"]


def test_a_second_trainer_on_a_directory_is_refused_while_the_first_lives(tmp_path):
    code = (
        "import sys, pathlib; from trainer.checkpoint import lease\n"
        "lease.take(pathlib.Path(sys.argv[1])); print('taken', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with processes.started(command, **pipes) as first:
        assert first.stdout.readline() == "taken\n"
        with pytest.raises(TrainerError, match=f"another trainer writes to {tmp_path}; wait"):
            lease.take(tmp_path)
        first.kill()
        first.communicate(timeout=processes.LIMIT)
    lease.take(tmp_path)  # nothing stale is left
    lease.take(tmp_path)  # and the own one is no hindrance


def test_the_best_checkpoint_is_exported(arguments, tmp_path, capsys):
    given = [*arguments, "--export=best", f"--output={tmp_path}"]
    assert program.main(given) == 0
    found = [read_json(path / "manifest.json") for path in checkpoints(tmp_path / "checkpoints")]
    wanted = max((each for each in found if each["score"] is not None), key=lambda e: e["score"])
    told = read_json(tmp_path / "model/metrics.json")
    assert told["metrics"]["val_accuracy"] == pytest.approx(wanted["score"])
    best = checkpoint.best(tmp_path / "checkpoints")
    saved = state.decode((best / "state.safetensors").read_bytes()).model
    weights = load_file(tmp_path / "model/model.safetensors")
    assert all(torch.equal(saved[name], value) for name, value in weights.items())
    assert told["step"] == checkpoint.step_of(best)
    again = [*arguments, f"--from={best}", "--epochs=1", f"--output={tmp_path / 'next'}"]
    assert program.main(again) == 0
    assert f"started from {best}" in capsys.readouterr().out


def test_a_damaged_checkpoint_is_not_started_from(arguments, finished, tmp_path):
    shutil.copytree(finished / "checkpoints", tmp_path / "checkpoints")
    damaged = checkpoints(tmp_path / "checkpoints")[-1] / "state.safetensors"
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    again = [*arguments, f"--from={tmp_path}/checkpoints", f"--output={tmp_path}/next"]
    with pytest.raises(TrainerError, match=r"state\.safetensors does not match its sha256"):
        program.main(again)
