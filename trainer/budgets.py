"""From relevance to token budgets: hard top-K, 64 to 400 tokens for each kept patch."""

import torch
from torch import Tensor

from trainer.errors import UsageError

LEAST = 64  # tokens of a kept patch
MOST = 400
LEVELS = (300, 200, 100)  # least tokens of pyramid levels 0, 1 and 2; fewer is level 3
TIERS = (64, 100, 160, 256, 400)  # tokens of the five quality tiers


def check_budget(keep: int, total: int, patches: int) -> None:
    """Refuse settings for which no allocation exists."""
    if keep > patches:
        raise UsageError(f"keep={keep} is more than the {patches} patches of an image")
    if keep * LEAST > total:
        raise UsageError(
            f"budget_total={total} is too small: {keep} kept patches need at least "
            f"{keep * LEAST} tokens"
        )


def top_k(scores: Tensor, keep: int) -> Tensor:
    """Mask bool [..., N] of the `keep` highest scores; of equals the lower index wins."""
    threshold = scores.topk(keep, dim=-1).values[..., -1:]
    above = scores > threshold
    tied = scores == threshold
    room = keep - above.sum(-1, keepdim=True)
    return above | (tied & (tied.cumsum(-1) <= room))


def allocate(
    relevance: Tensor, keep: int, total: int, kappa: Tensor, offset: Tensor
) -> tuple[Tensor, Tensor]:
    """Budgets [..., N] in tokens (0 where dropped) and the mask of kept patches.

    b = 64 + 336 clip(s^k + o, 0, 1) with s the min-max normalised relevance,
    k = 4 sigmoid(kappa) + 0.5 and o = 0.3 tanh(offset). Where the kept budgets exceed `total`,
    the part above 64 shrinks evenly, so the sum never does (given keep * 64 <= total).
    """
    low, high = relevance.amin(-1, keepdim=True), relevance.amax(-1, keepdim=True)
    score = ((relevance - low) / (high - low + 1e-6)).clamp_min(1e-6)
    curve = score ** (4 * torch.sigmoid(kappa) + 0.5) + 0.3 * torch.tanh(offset)
    kept = top_k(relevance.detach(), keep)
    extra = (MOST - LEAST) * curve.clamp(0, 1) * kept
    room = total - keep * LEAST
    extra = extra * (room / extra.sum(-1, keepdim=True).clamp_min(1e-6)).clamp_max(1)
    return (LEAST + extra) * kept, kept


def share_evenly(relevance: Tensor, keep: int, total: int) -> tuple[Tensor, Tensor]:
    """Budgets and mask as `allocate` returns them, every kept patch with the same budget."""
    kept = top_k(relevance.detach(), keep)
    return kept * min(total / keep, float(MOST)), kept


def whole_tokens(budgets: Tensor) -> Tensor:
    """Budgets rounded down to whole tokens, which keeps their sum within the total."""
    return budgets.floor().long()


def pyramid_level(budgets: Tensor) -> Tensor:
    """Level of an image pyramid that a budget in tokens pays for: 0 is the finest, 3 the coarsest.

    300 tokens and more are level 0, 200 level 1, 100 level 2, fewer level 3 (that of a dropped
    patch too).
    """
    return len(LEVELS) - _reached(budgets, LEVELS)


def quality_tier(budgets: Tensor) -> Tensor:
    """Find the number in TIERS of the best quality tier that a budget pays for; -1 for a dropped patch.

    Never above the budget, so that tokens by tier stay within the total too.
    """
    return _reached(budgets, TIERS) - 1


def _reached(budgets: Tensor, marks: tuple[int, ...]) -> Tensor:
    """How many of the marks each budget reaches."""
    return (budgets[..., None] >= budgets.new_tensor(marks)).sum(-1)
