"""The ARR-COC network: question and textures in, answer, relevance and budgets out.

Six state groups: propositional, perspectival, participatory, tension_balancer, encoder, head.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.budgets import allocate, check_budget
from trainer.config import ModelSettings
from trainer.scorers import Participatory, Perspectival, Propositional, TensionBalancer
from trainer.texture import CHANNELS

STATE_GROUPS = (
    "propositional",
    "perspectival",
    "participatory",
    "tension_balancer",
    "encoder",
    "head",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that come from the data."""

    grid: int
    words: int
    answers: int


class Output(NamedTuple):
    """What the network says about B images with Q questions each."""

    logits: Tensor  # [B, Q, answers]
    relevance: Tensor  # [B, Q, N] in [0, 1]
    budgets: Tensor  # [B, Q, N] tokens, 0 where dropped
    kept: Tensor  # bool [B, Q, N]


class Encoder(nn.Module):
    """Questions into queries, textures into patch tokens."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width, padding_idx=0)
        self.query = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.patches = nn.Sequential(
            nn.Conv2d(len(CHANNELS), 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, width, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width, width, 1),
        )
        self.norm_query = nn.LayerNorm(width)
        self.norm_patch = nn.LayerNorm(width)

    def queries(self, tokens: Tensor) -> Tensor:
        """Word numbers [U, t] -> queries [U, D]: the mean word, then two layers."""
        present = (tokens > 0).float()[..., None]
        mean = (self.words(tokens) * present).sum(1) / present.sum(1).clamp_min(1)
        mean = self.norm_query(mean)
        return mean + self.query(mean)

    def forward(self, textures: Tensor) -> Tensor:
        """Textures [B, 13, G, G] -> patch tokens [B, N, D]."""
        return self.norm_patch(self.patches(textures).flatten(2).transpose(1, 2))


class Glimpse(nn.Module):
    """One look at the kept patches, steered by what is known so far.

    b copies of a patch weigh ln b more in softmax attention. The log of the total attention
    mass of each head joins the state: a softmax alone cannot count.
    """

    def __init__(self, width: int, heads: int, dropout: float, trust: float) -> None:
        super().__init__()
        self.heads = heads
        self.trust = nn.Parameter(torch.tensor(trust))
        self.ask = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.think = nn.Sequential(
            nn.Linear(2 * width + heads, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, state: Tensor, patches: Tensor, log_budgets: Tensor, relevance: Tensor) -> Tensor:
        """State [B, Q, D], patches [B, N, D], ln budgets [B, Q, N] (-inf: dropped) -> state."""
        log_budgets = log_budgets + self.trust * relevance
        size, asked, width = state.shape
        each = width // self.heads
        ask = self.ask(state).view(size, asked, self.heads, each).permute(0, 2, 1, 3)
        key = self.key(patches).view(size, -1, self.heads, each).permute(0, 2, 3, 1)
        value = self.value(patches).view(size, -1, self.heads, each).permute(0, 2, 1, 3)
        logits = ask @ key / each**0.5 + log_budgets[:, None]
        mass = torch.logsumexp(logits, dim=-1, keepdim=True)
        seen = ((logits - mass).exp() @ value).transpose(1, 2).flatten(2)
        evidence = mass.squeeze(-1).transpose(1, 2) - 8
        return self.norm(state + self.think(torch.cat([state, seen, evidence], dim=-1)))


class Head(nn.Module):
    """Several glimpses, then the answer."""

    def __init__(self, settings: ModelSettings, answers: int) -> None:
        super().__init__()
        width = settings.width
        self.glimpses = nn.ModuleList(
            Glimpse(width, settings.heads, settings.dropout, 0.0 if i else 6.0) for i in range(settings.glimpses)
        )
        self.answer = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, answers))

    def forward(self, query: Tensor, patches: Tensor, log_budgets: Tensor, relevance: Tensor) -> Tensor:
        """Logits [B, Q, answers]."""
        state = query
        for glimpse in self.glimpses:
            state = glimpse(state, patches, log_budgets, relevance)
        return self.answer(state)


class ArrCoc(nn.Module):
    """Texture -> three scorers -> balancer -> budgets -> attention -> answer."""

    def __init__(self, settings: ModelSettings, sizes: Sizes) -> None:
        super().__init__()
        check_budget(settings.keep, settings.budget_total, sizes.grid**2)
        self.keep, self.total = settings.keep, settings.budget_total
        self.propositional = Propositional()
        self.perspectival = Perspectival()
        self.participatory = Participatory(settings.width)
        self.tension_balancer = TensionBalancer(settings.width)
        self.encoder = Encoder(sizes.words, settings.width)
        self.head = Head(settings, sizes.answers)

    def forward(self, textures: Tensor, tokens: Tensor, question: Tensor) -> Output:
        """Textures [B, 13, G, G], tokens [U, t], question [B, Q] (rows of tokens)."""
        query = self.encoder.queries(tokens)[question]
        flat = textures.flatten(2).transpose(1, 2)
        relevance = self.tension_balancer(
            self.propositional(flat),
            self.perspectival(flat),
            self.participatory(flat, query),
            query,
        )
        balancer = self.tension_balancer
        budgets, kept = allocate(relevance, self.keep, self.total, balancer.kappa, balancer.offset)
        log_budgets = budgets.clamp_min(1).log().masked_fill(~kept, -torch.inf)
        logits = self.head(query, self.encoder(textures), log_budgets, relevance)
        return Output(logits, relevance, budgets, kept)
