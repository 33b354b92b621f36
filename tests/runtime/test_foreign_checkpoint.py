"""Checkpoints as Hugging Face's Trainer, Lightning and plain torch write them, by their own libraries."""

from __future__ import annotations

import math

import pytest
import torch
from safetensors.torch import save_file

from dagfactory.runtime import foreign_checkpoint, manifest

BASE = "gs://b/run/checkpoints"


class Folder:
    """The storage client's calls over a folder of this machine, which is all that they read here."""

    def __init__(self, folder):
        self.folder = folder

    def sizes(self):
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {f"{BASE}/{path.relative_to(self.folder)}": path.stat().st_size for path in files}

    def open(self, address):
        return (self.folder / address.removeprefix(f"{BASE}/")).open("rb")

    def read_json(self, address):
        import json

        with self.open(address) as file:
            return json.load(file)


@pytest.fixture
def store(tmp_path):
    return Folder(tmp_path)


def problems(store, require, address=BASE):
    found = foreign_checkpoint.find(store.sizes(), address)
    assert found is not None
    rest = {name: value for name, value in require.items() if name != "states"}
    checks = [
        *manifest.checks(foreign_checkpoint.document(store, found), rest),
        *foreign_checkpoint.file_checks(store, found, require.get("states", [])),
    ]
    return found, {check["check"]: check["detail"] for check in checks if not check["passed"]}


def hugging_face(folder, steps, planned):
    """Write what the Trainer writes, by the library's own class for its state."""
    # the Trainer itself needs accelerate, which nothing else here does
    from transformers.trainer_callback import TrainerState

    for step in range(1, steps + 1):
        place = folder / f"checkpoint-{step}"
        place.mkdir()
        save_file({"body.weight": torch.ones(2, 2)}, place / "model.safetensors")
        torch.save({"lr": 0.1}, place / "optimizer.pt")
        history = [{"loss": 1 / each, "step": each} for each in range(1, step + 1)]
        state = TrainerState(global_step=step, max_steps=planned, log_history=history)
        state.save_to_json(str(place / "trainer_state.json"))


def test_a_folder_of_hugging_face_says_step_loss_and_completeness(store, tmp_path):
    hugging_face(tmp_path, 12, planned=12)
    found, wrong = problems(
        store, {"complete": True, "min_step": 12, "max_loss": 0.1, "states": ["body"]}
    )
    assert (found.place, wrong) == (f"{BASE}/checkpoint-12", {})


def test_a_training_that_stopped_early_and_a_missing_state_are_found(store, tmp_path):
    hugging_face(tmp_path, 2, planned=9)
    _, wrong = problems(store, {"complete": True, "min_step": 5, "states": ["head"]})
    assert wrong == {
        "complete": "at step 2 of 9",
        "min_step": "step 2, at least 5",
        "state head": "is missing",
    }


def test_a_folder_without_its_state_is_a_save_that_was_cut_off(store, tmp_path):
    hugging_face(tmp_path, 2, planned=2)
    (tmp_path / "checkpoint-2/trainer_state.json").unlink()
    assert problems(store, {})[0].place == f"{BASE}/checkpoint-1"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_tensor_that_is_not_finite_is_found_in_every_type(store, tmp_path, dtype, bad):
    good, broken = torch.ones(5, dtype=dtype), torch.ones(5, dtype=dtype)
    broken[3] = bad
    save_file({"a.w": good, "b.w": broken, "b.n": torch.arange(3)}, tmp_path / "model.safetensors")
    _, wrong = problems(store, {"states": ["a", "b", "b.n"]})
    assert wrong == {"state b": "is not finite"}


def test_a_plain_file_does_not_say_whether_training_was_complete(store, tmp_path):
    save_file({"w": torch.ones(2)}, tmp_path / "model.safetensors")
    _, wrong = problems(store, {"complete": True, "min_step": 1})
    assert wrong == {"complete": "the checkpoint does not say", "min_step": "step None, at least 1"}


def test_the_file_with_the_highest_numbers_is_the_newest(store, tmp_path):
    for name in ("epoch=9-step=90.ckpt", "epoch=10-step=100.ckpt", "epoch=2-step=20.ckpt"):
        torch.save({"w": torch.ones(2)}, tmp_path / name)
    assert problems(store, {})[0].place == f"{BASE}/epoch=10-step=100.ckpt"
    address = f"{BASE}/epoch=2-step=20.ckpt"
    assert problems(store, {}, address)[0].place == address


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damage_is_found(store, tmp_path, name, damage):
    path = tmp_path / name
    save_file({"w": torch.ones(500)}, path) if name.endswith("s") else torch.save(
        {"w": torch.ones(500)}, path
    )
    data = bytearray(path.read_bytes())
    if (
        damage == "flipped"
    ):  # of the header, or of a member that has a checksum: safetensors has none
        data[4 if name.endswith("s") else len(data) // 2] ^= 0xFF
    path.write_bytes({"cut": data[:-10], "flipped": data, "empty": b""}[damage])
    assert f"content of {name}" in problems(store, {})[1]


def test_nothing_to_check_is_said(store, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "optimizer.pt").write_bytes(b"x")
    assert foreign_checkpoint.find(store.sizes(), BASE) is None


def test_a_model_in_parts_is_read_whole(store, tmp_path):
    for n, name in ((1, "a.w"), (2, "b.w"), (3, "c.w")):
        save_file({name: torch.ones(2)}, tmp_path / f"model-0000{n}-of-00003.safetensors")
    found, wrong = problems(store, {"states": ["a", "b", "c"]})
    assert (found.place, wrong) == (BASE, {})
    (tmp_path / "model-00001-of-00003.safetensors").unlink()
    assert problems(store, {"states": ["a", "b"]})[1] == {
        "content of model-00001-of-00003.safetensors": "is missing",
        "state a": "is missing",
    }


NO_OFFSETS = b'{"w": {"dtype": "F32", "shape": [1], "data_offsets": []}}'


@pytest.mark.parametrize("header", [b"[]", NO_OFFSETS, b"1"])
def test_a_header_that_is_none_is_a_failed_check(store, tmp_path, header):
    data = len(header).to_bytes(8, "little") + header
    (tmp_path / "model.safetensors").write_bytes(data)
    assert "content of model.safetensors" in problems(store, {})[1]
