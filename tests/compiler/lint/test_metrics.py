"""The metrics that gates may ask the trainer for are those that it writes."""

import pytest
import torch

from dagfactory.compiler.lint.metrics import TRAINER
from trainer import evaluate, train, vqa_export
from trainer.data import clevr as data
from trainer.data import textures, vqa
from trainer.storage import read_json


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Run every program of the trainer, tiny, and yield the names in their metrics.json."""
    base = tmp_path_factory.mktemp("trainer")
    model = ["--width=8", "--heads=1", "--glimpses=1", "--keep=4"]
    arguments = {
        "trainer.data": (data, ["--images=4", "--held_out=2"]),
        "trainer.vqa_export": (vqa_export, [f"--input={base}/trainer.data/model"]),
        "trainer.vqa": (
            vqa,
            [f"--input={base}/trainer.vqa_export/model", "--train=train", "--held_out=held_out"],
        ),
        "trainer.textures": (textures, [f"--input={base}/trainer.vqa/model"]),
        "trainer": (train, [f"--textures={base}/trainer.textures/model", "--epochs=1", *model]),
        "trainer.evaluate": (
            evaluate,
            [f"--model={base}/trainer/model", f"--textures={base}/trainer.textures/model"],
        ),
    }
    names = {}
    for program, (module, given) in arguments.items():
        assert module.main([*given, f"--output={base}/{program}"]) == 0
        names[program] = set(read_json(base / program / "model" / "metrics.json")["metrics"])
    yield names
    torch.set_flush_denormal(False)  # the trainer turns it on for the whole process


# what trainer.vlm writes is looked at where a backbone is made, in tests/trainer/vlm
@pytest.mark.parametrize("program", sorted(name for name in TRAINER if "vlm" not in name))
def test_the_list_is_what_a_program_writes(written, program):
    assert set(TRAINER[program]) == written[program]
