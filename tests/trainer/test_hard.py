"""Stage hard: what the network gets wrong counts double, step by step, and resumes exactly."""

import shutil

import pytest
import torch
from torch.nn import functional

from trainer import train
from trainer.checkpoint.checkpoint import checkpoints
from trainer.data.dataset import Batch
from trainer.model.arr_coc import Answers
from trainer.settings import TrainSettings
from trainer.train import HARD, answer_loss, objective

# Two images with two questions each, three answers.
LOGITS = torch.tensor([[[2.0, 0, 0], [0, 2.0, 0]], [[0, 0, 2.0], [1.0, 0, 0]]])
ANSWER = torch.tensor([[0, 0], [2, -1]])  # right, wrong, right, unknown


def test_a_wrong_answer_counts_double():
    flat = functional.log_softmax(LOGITS, dim=-1)
    right, wrong, also = -flat[0, 0, 0], -flat[0, 1, 0], -flat[1, 0, 2]
    torch.testing.assert_close(
        answer_loss(LOGITS, ANSWER, hard=True), (right + HARD * wrong + also) / 3
    )
    torch.testing.assert_close(answer_loss(LOGITS, ANSWER, hard=False), (right + wrong + also) / 3)


def test_without_mistakes_both_stages_are_one():
    answer = LOGITS.argmax(-1)
    torch.testing.assert_close(
        answer_loss(LOGITS, answer, hard=True), answer_loss(LOGITS, answer, hard=False)
    )


def test_only_unknown_answers_are_no_loss():
    assert answer_loss(LOGITS, torch.full_like(ANSWER, -1), hard=True) == 0


def test_the_weight_itself_has_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    torch.autograd.backward(answer_loss(logits, ANSWER, hard=True))
    single = LOGITS.clone().requires_grad_()
    torch.autograd.backward(answer_loss(single, ANSWER, hard=False))
    torch.testing.assert_close(logits.grad[0, 1], HARD * single.grad[0, 1])
    torch.testing.assert_close(logits.grad[0, 0], single.grad[0, 0])


@pytest.mark.parametrize("stage", ["answer", "hard"])
def test_the_stage_decides(stage):
    batch = Batch(*[torch.zeros(())] * 3, ANSWER, *[torch.zeros(())] * 2)
    settings = TrainSettings(textures="t", stage=stage)
    found = objective(Answers(LOGITS), batch, settings, keep=1, hard=settings.hard)
    assert found.total == found.answer == answer_loss(LOGITS, ANSWER, hard=stage == "hard")


@pytest.fixture(scope="module")
def hard(arguments, finished, tmp_path_factory):
    """A run of stage hard after the finished run of stage answer, and its arguments."""
    base = tmp_path_factory.mktemp("hard")
    given = [*arguments, "--stage=hard", f"--from={finished / 'model'}"]
    assert train.main([*given, f"--output={base}"]) == 0
    return base, given


def test_it_resumes_exactly(hard, losses, tmp_path):
    base, given = hard
    shutil.copytree(base, tmp_path / "run")
    shutil.rmtree(checkpoints(tmp_path / "run" / "checkpoints")[-1])
    assert train.main([*given, f"--output={tmp_path / 'run'}"]) == 0
    assert losses(tmp_path / "run") == losses(base)
    for name in ("model.safetensors", "metrics.json"):
        left, right = (root / "model" / name for root in (base, tmp_path / "run"))
        assert left.read_bytes() == right.read_bytes()
