"""From kept patches and their budgets to an answer: a few glimpses, each steered by the last."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.network import PLACE_FEATURES
from trainer.settings import ModelSettings

FIRST_TRUST = 12.0
USUAL_MASS = 8.0  # about ln of the tokens of a question: keeps the evidence near zero


class Kept(NamedTuple):
    """The K kept patches of every question, in the order of the image."""

    patches: Tensor  # [B, Q, K, D + 5]
    relevance: Tensor  # [B, Q, K]
    weight: Tensor  # [B, Q, K], ln of the budget


class Glimpse(nn.Module):
    """One look at the kept patches, each seen in relation to where the last look went.

    A patch is seen together with the question, its relevance and, for every head, its offset and
    distance from the place that head looked at before: relations for K patches, which only
    selection makes cheap. b copies of a patch weigh ln b more in softmax attention. The log of
    the total attention mass of each head joins the state, because a softmax alone cannot count.
    `trust` is how much the relevance map itself steers each head: in the first glimpse every
    other head starts by following it, all others start free.
    """

    trust: Tensor

    def __init__(self, settings: ModelSettings, *, first: bool) -> None:
        super().__init__()
        width, heads = settings.width, settings.heads
        follows = torch.arange(heads) % 2 == 0
        self.trust = nn.Parameter(FIRST_TRUST * (follows & first).float())
        self.patch = nn.Linear(width + PLACE_FEATURES, width)
        self.ask = nn.Linear(width, width, bias=False)
        self.relate = nn.Linear(3 * heads + 1, width, bias=False)
        self.look = nn.Linear(width, heads)
        self.think = nn.Sequential(
            nn.Linear((1 + heads) * width + heads, 2 * width),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(2 * width, width),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, state: Tensor, where: Tensor, kept: Kept) -> tuple[Tensor, Tensor]:
        """State [B, Q, D] and the place each head looked at [B, Q, heads, 2] -> both, renewed."""
        place = kept.patches[..., -PLACE_FEATURES:][..., :2]
        related = self.patch(kept.patches) + self.relate(relation(place, where, kept.relevance))
        seen = functional.gelu(related + self.ask(state)[:, :, None])
        logits = self.look(seen) + kept.weight[..., None] + self.trust * kept.relevance[..., None]
        highest = logits.detach().amax(2, keepdim=True)
        share = (logits - highest).exp()
        total = share.sum(2, keepdim=True)
        evidence = (highest + total.log()).squeeze(2) - USUAL_MASS
        share = (share / total).transpose(2, 3)
        found = (share @ seen).flatten(2)
        thought = self.think(torch.cat([state, found, evidence], dim=-1))
        known: Tensor = self.norm(state + thought)
        return known, share @ place


def relation(place: Tensor, where: Tensor, relevance: Tensor) -> Tensor:
    """How places [B, Q, K, 2] lie to places [B, Q, H, 2]: offsets, distances, and relevance.

    Returns [B, Q, K, 3 H + 1].
    """
    offset = place[..., None, :] - where[:, :, None]
    distance = (offset.square().sum(-1) + 1e-6).sqrt()
    return torch.cat([offset.flatten(3), distance, relevance[..., None]], dim=-1)


class Head(nn.Module):
    """Several glimpses at the kept patches, then the answer."""

    def __init__(self, settings: ModelSettings, answers: int) -> None:
        super().__init__()
        self.keep, self.heads = settings.keep, settings.heads
        self.glimpses = nn.ModuleList(
            Glimpse(settings, first=number == 0) for number in range(settings.glimpses)
        )
        self.answer = nn.Sequential(
            nn.Linear(settings.width, 64), nn.GELU(), nn.Linear(64, answers)
        )

    def forward(
        self, query: Tensor, patches: Tensor, relevance: Tensor, budgets: Tensor, kept: Tensor
    ) -> Tensor:
        """Logits [B, Q, answers] from kept patches only."""
        seen = gather(patches, relevance, budgets, kept, self.keep)
        state, where = query, query.new_zeros(*query.shape[:2], self.heads, 2)
        for glimpse in self.glimpses:
            state, where = glimpse(state, where, seen)
        logits: Tensor = self.answer(state)
        return logits


def gather(patches: Tensor, relevance: Tensor, budgets: Tensor, kept: Tensor, keep: int) -> Kept:
    """Pick the `keep` kept patches of every question from patches [B, N, F], in their order."""
    # Ranks of kept patches differ, so that their order does not hang on how top-K breaks ties.
    rank = kept * torch.arange(kept.shape[-1], 0, -1, device=kept.device)
    index = rank.topk(keep, dim=-1).indices
    spread = index.flatten(1)[..., None].expand(-1, -1, patches.shape[-1])
    picked = patches.gather(1, spread).view(*index.shape, -1)
    return Kept(picked, relevance.gather(2, index), budgets.gather(2, index).clamp_min(1).log())
