"""Properties of top-K and of the token budgets."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainer.errors import UsageError
from trainer.model.arr_coc import (
    LEAST_TOKENS,
    MOST_TOKENS,
    TIERS,
    allocate,
    check_budget,
    pyramid_level,
    quality_tier,
    top_k,
    whole_tokens,
)

PATCHES = 40
numbers = st.floats(-4, 4, allow_subnormal=False)  # the trainer flushes them to zero


def random_scores(seed: int) -> Tensor:
    return torch.rand(3, PATCHES, generator=torch.Generator().manual_seed(seed))


def budgets(
    scores: Tensor, keep: int, total: int, kappa: float = 0.0, offset: float = 0.0
) -> tuple[Tensor, Tensor]:
    kept = top_k(scores, keep)
    return allocate(scores, kept, total, torch.tensor(kappa), torch.tensor(offset)), kept


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, PATCHES), st.floats(1, 7), numbers, numbers)
def test_sum_and_range_hold_for_any_curve(seed, keep, slack, kappa, offset):
    total = int(keep * LEAST_TOKENS * slack)
    amount, kept = budgets(random_scores(seed), keep, total, kappa, offset)
    assert (kept.sum(-1) == keep).all()
    assert (amount[~kept] == 0).all()
    assert amount[kept].min() >= LEAST_TOKENS
    assert amount[kept].max() <= MOST_TOKENS + 1e-3
    tokens = whole_tokens(amount)
    assert (tokens.sum(-1) <= total).all()
    assert tokens[kept].min() >= LEAST_TOKENS


def test_a_tight_total_shrinks_only_what_exceeds_the_least():
    amount, kept = budgets(random_scores(0), keep=10, total=700, offset=4)
    assert amount[kept].min() >= LEAST_TOKENS
    torch.testing.assert_close(amount.sum(-1), torch.full((3,), 700.0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), numbers)
def test_a_higher_score_never_gets_less(seed, kappa):
    scores = random_scores(seed)
    amount, _ = budgets(scores, 20, 4000, kappa)
    ordered = amount.gather(-1, scores.argsort(-1))
    assert (ordered.diff(dim=-1) >= 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_permuting_patches_permutes_budgets(seed):
    scores = random_scores(seed)
    order = torch.randperm(PATCHES, generator=torch.Generator().manual_seed(seed))
    amount, kept = budgets(scores, 12, 3000)
    permuted, kept_permuted = budgets(scores[:, order], 12, 3000)
    torch.testing.assert_close(permuted, amount[:, order])
    assert torch.equal(kept_permuted, kept[:, order])


def test_ties_go_to_the_lower_index():
    kept = top_k(torch.tensor([0.5, 0.9, 0.5, 0.5, 0.1]), 3)
    assert kept.tolist() == [True, True, True, False, False]


def test_all_equal_scores_keep_the_first_patches():
    assert top_k(torch.zeros(2, 6), 4).tolist() == [[True] * 4 + [False] * 2] * 2


def test_other_images_do_not_matter():
    scores = random_scores(3)
    together, _ = budgets(scores, 12, 3000)
    alone, _ = budgets(scores[1:2], 12, 3000)
    assert torch.equal(together[1:2], alone)


def test_budgets_pass_gradients_to_relevance_and_curve():
    scores = random_scores(1).requires_grad_()
    kappa, offset = torch.tensor(0.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    amount = allocate(scores, top_k(scores.detach(), 12), 4800, kappa, offset)
    torch.autograd.backward(amount.clamp_min(1).log().sum())
    assert scores.grad is not None
    assert scores.grad.abs().sum() > 0
    assert kappa.grad
    assert offset.grad


@pytest.mark.parametrize(("keep", "total"), [(226, 100_000), (64, 64 * 64 - 1)])
def test_impossible_budgets_are_refused(keep, total):
    with pytest.raises(UsageError, match=r"keep=226|budget_total=4095"):
        check_budget(keep, total, 225)


def test_levels_and_tiers_by_hand():
    tokens = torch.tensor([0, 64, 99, 100, 159, 160, 199, 200, 256, 299, 300, 399, 400])
    assert pyramid_level(tokens).tolist() == [3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert quality_tier(tokens).tolist() == [-1, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, PATCHES), st.floats(1, 7), numbers, numbers)
def test_levels_and_tiers_follow_the_budgets(seed, keep, slack, kappa, offset):
    """Tokens by tier stay within budget and total, more budget is never coarser, patches can move."""
    total = int(keep * LEAST_TOKENS * slack)
    amount, kept = budgets(random_scores(seed), keep, total, kappa, offset)
    tokens = whole_tokens(amount)
    level, tier = pyramid_level(tokens), quality_tier(tokens)
    assert torch.equal(tier >= 0, kept)
    paid = torch.tensor(TIERS)[tier.clamp_min(0)] * kept
    assert (paid <= tokens).all()
    assert (paid.sum(-1) <= total).all()
    by_budget = tokens.argsort(-1)
    assert (level.gather(-1, by_budget).diff(dim=-1) <= 0).all()
    assert (tier.gather(-1, by_budget).diff(dim=-1) >= 0).all()
    order = torch.randperm(PATCHES, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(pyramid_level(tokens[:, order]), level[:, order])
    assert torch.equal(quality_tier(tokens[:, order]), tier[:, order])
