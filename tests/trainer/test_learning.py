"""The formulas train: relevance and answers are learned, and gradients reach every part."""

import json

import pytest
import torch

from trainer import train
from trainer.data.clevr import main as generate
from trainer.data.dataset import load_textures
from trainer.data.textures import main as make_textures
from trainer.evaluate import question_only_baseline
from trainer.model.arr_coc import ArrCoc, Sizes
from trainer.settings import ModelSettings, TrainSettings
from trainer.train import objective


def test_the_answer_alone_trains_every_part(textures):
    """Gradients pass the hard top-K through ln b; the original code passed none."""
    data = load_textures(textures, torch.device("cpu"))
    torch.manual_seed(0)
    model = ArrCoc(ModelSettings(), Sizes(data.grid, len(data.words), len(data.answers)))
    batch = data.train.batch(torch.arange(4))
    settings = TrainSettings(textures="x", relevance_weight=0, budget_weight=0)
    output = model(batch.textures, batch.tokens, batch.question)
    torch.autograd.backward(objective(output, batch, settings, model.keep, hard=False).total)
    for group, part in model.named_children():
        assert (
            sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0
        ), group


def test_b_copies_of_a_token_weigh_as_ln_b():
    """Softmax attention over b_i copies of token i is attention with logits + ln b_i."""
    generator = torch.Generator().manual_seed(0)
    logits, values = torch.randn(5, generator=generator), torch.randn(5, 3, generator=generator)
    copies = torch.tensor([64, 400, 100, 80, 250])
    repeated = torch.softmax(logits.repeat_interleave(copies), 0) @ values.repeat_interleave(
        copies, 0
    )
    torch.testing.assert_close(torch.softmax(logits + copies.log(), 0) @ values, repeated)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Textures of 800 training images."""
    base = tmp_path_factory.mktemp("learning")
    assert generate(["--images=800", "--held_out=10", f"--output={base / 'data'}"]) == 0
    source = base / "data" / "model"
    assert make_textures([f"--input={source}", f"--output={base / 'textures'}"]) == 0
    return base / "textures" / "model"


def test_it_learns(images, tmp_path):
    """Three passes for the scorers, five for the answers: clearly above the question alone."""
    first, second = tmp_path / "relevance", tmp_path / "answer"
    shared = [f"--textures={images}", "--log_every=1000"]
    stage = ["--stage=relevance", "--epochs=3", "--learning_rate=0.01", f"--output={first}"]
    assert train.main([*shared, *stage]) == 0
    assert metrics(first)["val_relevance_iou"] > 0.25
    assert metrics(first)["val_recall_at_k"] > 0.85
    rest = [f"--from={first / 'model'}", "--epochs=5", f"--output={second}"]
    assert train.main([*shared, *rest]) == 0
    data = load_textures(images, torch.device("cpu"))
    baseline = question_only_baseline(data.train, data.train, len(data.answers))
    assert metrics(second)["val_accuracy"] > baseline["baseline_accuracy"] + 0.1
    assert metrics(second)["val_budget_on_target_ratio"] > 1.05


def metrics(base):
    return json.loads((base / "model" / "metrics.json").read_text())["metrics"]
