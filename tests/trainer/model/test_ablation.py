"""A part that is left out has no influence any more; with everything in place it has some."""

import pytest
import torch

from trainer.model.arr_coc import ArrCoc, Sizes, spread_order, top_k
from trainer.settings import ModelSettings

# Part to leave out -> the parameters that then change nothing.
PARTS = {
    "propositional": ("propositional.",),
    "perspectival": ("perspectival.",),
    "participatory": ("participatory.",),
    "budgets": ("tension_balancer.kappa", "tension_balancer.offset"),
    "opponent": ("tension_balancer.theta",),
}


def output(part, *, disturbed):
    """Logits, relevance and budgets, with the parameters of a part disturbed or not."""
    ablate, names = part
    torch.manual_seed(0)
    settings = ModelSettings(width=16, heads=2, keep=9, budget_total=2000, ablate=ablate)
    model = ArrCoc(settings, Sizes(grid=6, words=7, answers=4)).eval()
    textures = torch.rand(2, 23, 6, 6)
    tokens, question = torch.tensor([[1, 2, 0], [3, 4, 5]]), torch.tensor([[0, 1], [1, 0]])
    with torch.no_grad():
        for name, value in model.named_parameters():
            if disturbed and name.startswith(names):
                value.add_(0.5 + torch.rand_like(value))
        return model(textures, tokens, question)[:3]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_left_out_changes_nothing(part):
    still, disturbed = (output((part, PARTS[part]), disturbed=d) for d in (False, True))
    assert all(torch.equal(a, b) for a, b in zip(still, disturbed, strict=True))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_in_place_changes_the_output(part):
    still, disturbed = (output(("none", PARTS[part]), disturbed=d) for d in (False, True))
    assert not all(torch.equal(a, b) for a, b in zip(still, disturbed, strict=True))


def test_uniform_budgets_are_equal_and_within_the_total():
    budgets = output(("budgets", ()), disturbed=False)[2]
    assert budgets.unique().tolist() == pytest.approx([0, 2000 / 9])
    assert budgets.sum(-1).max() <= 2000.001


def test_without_spread_the_most_relevant_patches_are_kept():
    _, relevance, budgets = output(("spread", ()), disturbed=False)
    assert torch.equal(budgets > 0, top_k(relevance, 9))


def test_peaks_of_relevance_come_before_what_lies_beside_them():
    board = torch.zeros(1, 1, 25)
    board[..., 6:8], board[..., 6], board[..., 24] = 0.8, 0.9, 0.3
    kept = top_k(spread_order(board, 5), 2)
    assert kept.nonzero()[:, -1].tolist() == [6, 24]
