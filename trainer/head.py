"""From kept patches and their budgets to an answer: a few glimpses, each steered by the last."""

import torch
from torch import Tensor, nn

from trainer.settings import ModelSettings
from trainer.texture import CHANNELS

PLACES = [CHANNELS.index("y"), CHANNELS.index("x")]
PLACE_FEATURES = 5  # y, x, y^2 - 1, x^2 - 1, xy
FIRST_TRUST = 6.0
USUAL_MASS = 8.0  # about ln of the tokens of a question: keeps the evidence near zero


class Glimpse(nn.Module):
    """One look at the kept patches, steered by what is known so far.

    b copies of a patch weigh ln b more in softmax attention. The log of the total attention
    mass of each head joins the state, because a softmax alone cannot count. `trust` is how much
    the relevance map itself steers each head: in the first glimpse every other head starts by
    following it, all others start free.
    """

    trust: Tensor

    def __init__(self, settings: ModelSettings, *, first: bool) -> None:
        super().__init__()
        width, heads = settings.width, settings.heads
        self.heads = heads
        follows = torch.arange(heads) % 2 == 0
        self.trust = nn.Parameter(FIRST_TRUST * (follows & first).float())
        self.ask = nn.Linear(width, width)
        self.key = nn.Linear(width + PLACE_FEATURES, width)
        self.value = nn.Linear(width + PLACE_FEATURES, width)
        self.think = nn.Sequential(
            nn.Linear(2 * width + heads, 2 * width),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(2 * width, width),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, state: Tensor, patches: Tensor, relevance: Tensor, weight: Tensor) -> Tensor:
        """State [B, Q, D], patches [B, N, D + 5], relevance and weight [B, Q, N] -> state.

        weight is ln b, minus infinity for a dropped patch.
        """
        ask, key, value = (
            self.by_head(self.ask(state)),
            self.by_head(self.key(patches)),
            self.by_head(self.value(patches)),
        )
        logits = ask @ key.transpose(2, 3) / ask.shape[-1] ** 0.5
        logits = logits + weight[:, None] + self.trust[:, None, None] * relevance[:, None]
        highest = logits.detach().amax(-1, keepdim=True)
        share = (logits - highest).exp()
        total = share.sum(-1, keepdim=True)
        seen = (share @ value / total).transpose(1, 2).flatten(2)
        evidence = (highest + total.log()).squeeze(-1).transpose(1, 2) - USUAL_MASS
        thought = self.think(torch.cat([state, seen, evidence], dim=-1))
        known: Tensor = self.norm(state + thought)
        return known

    def by_head(self, values: Tensor) -> Tensor:
        """[B, M, D] -> [B, heads, M, D / heads]."""
        return values.view(*values.shape[:2], self.heads, -1).transpose(1, 2)


class Head(nn.Module):
    """Several glimpses, then the answer."""

    def __init__(self, settings: ModelSettings, answers: int) -> None:
        super().__init__()
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
        weight = budgets.clamp_min(1).log().masked_fill(~kept, -torch.inf)
        state = query
        for glimpse in self.glimpses:
            state = glimpse(state, patches, relevance, weight)
        logits: Tensor = self.answer(state)
        return logits
