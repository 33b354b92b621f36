"""The ARR-COC network: question and textures in, answer, relevance and budgets out.

Six state groups: propositional, perspectival, participatory, tension_balancer, encoder, head.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.budgets import allocate, check_budget, share_evenly
from trainer.head import PLACES, Head
from trainer.scorers import (
    Participatory,
    Perspectival,
    Propositional,
    QuestionEncoder,
    TensionBalancer,
)
from trainer.settings import ModelSettings, SelectionSettings
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

    logits: Tensor | None  # [B, Q, answers]; None where no answer was asked for
    relevance: Tensor  # [B, Q, N] in [0, 1]
    budgets: Tensor  # [B, Q, N] tokens, 0 where dropped
    kept: Tensor  # bool [B, Q, N]


class Encoder(nn.Module):
    """Textures into patch tokens, questions into what the head asks."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.question = QuestionEncoder(words, width)
        self.register_buffer("mean", torch.zeros(len(CHANNELS), 1, 1))
        self.register_buffer("deviation", torch.ones(len(CHANNELS), 1, 1))
        self.patches = nn.Sequential(
            nn.Conv2d(len(CHANNELS), 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, width, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width, width, 1),
        )
        self.norm_patch = nn.LayerNorm(width)

    def calibrate(self, textures: Tensor) -> None:
        """Take mean and deviation of each channel from training textures [n, 13, G, G]."""
        self.mean.copy_(textures.mean((0, 2, 3))[:, None, None])
        self.deviation.copy_(textures.std((0, 2, 3))[:, None, None].clamp_min(1e-3))

    def standardise(self, textures: Tensor) -> Tensor:
        """Bring every channel to mean 0 and deviation 1 over the training images."""
        return (textures - self.mean) / self.deviation

    def forward(self, standard: Tensor) -> Tensor:
        """Standardised textures [B, 13, G, G] -> patch tokens [B, N, D + 5].

        The last five numbers say where the patch is: y, x, y^2 - 1, x^2 - 1 and xy.
        """
        content = self.norm_patch(flatten(self.patches(standard)))
        place = flatten(standard[:, PLACES])
        product = place.prod(-1, keepdim=True)
        return torch.cat([content, place, place**2 - 1, product], dim=-1)


def flatten(maps: Tensor) -> Tensor:
    """[B, C, G, G] -> [B, N, C]."""
    return maps.flatten(2).transpose(1, 2)


class Selection(nn.Module):
    """Texture -> three scorers -> balancer -> relevance and budgets."""

    def __init__(self, settings: SelectionSettings, question: nn.Module, patches: int) -> None:
        super().__init__()
        check_budget(settings.keep, settings.budget_total, patches)
        self.keep, self.total, self.ablate = settings.keep, settings.budget_total, settings.ablate
        self.propositional = Propositional()
        self.perspectival = Perspectival()
        self.participatory = Participatory(question, settings.width)
        self.tension_balancer = TensionBalancer(settings.width)

    def budgets(self, relevance: Tensor) -> tuple[Tensor, Tensor]:
        """Budgets [B, Q, N] in tokens and the mask of kept patches."""
        if self.ablate == "budgets":
            return share_evenly(relevance, self.keep, self.total)
        curve = self.tension_balancer
        return allocate(relevance, self.keep, self.total, curve.kappa, curve.offset)

    def relevance(self, textures: Tensor, standard: Tensor, query: Tensor) -> Tensor:
        """Relevance [B, Q, N] of patches [B, N, 13], raw and standardised, to queries [B, Q, D].

        A scorer left out scores 0 everywhere, and without the participatory one nothing reads the
        question; without the opponents the weighted scores are all.
        """
        if self.ablate == "participatory":
            query = torch.zeros_like(query)
        scores = {
            "propositional": self.propositional(textures),
            "perspectival": self.perspectival(textures),
            "participatory": self.participatory(standard, query),
        }
        if self.ablate in scores:
            scores[self.ablate] = torch.zeros_like(scores[self.ablate])
        p, v, a = scores.values()
        opponent = self.ablate != "opponent"
        balanced: Tensor = self.tension_balancer(p, v, a, query, opponent=opponent)
        return balanced


class ArrCoc(Selection):
    """Texture -> three scorers -> balancer -> budgets -> attention -> answer."""

    def __init__(self, settings: ModelSettings, sizes: Sizes) -> None:
        question = QuestionEncoder(sizes.words, settings.width)
        super().__init__(settings, question, sizes.grid**2)
        self.encoder = Encoder(sizes.words, settings.width)
        self.head = Head(settings, sizes.answers)

    def forward(
        self, textures: Tensor, tokens: Tensor, question: Tensor, *, answering: bool = True
    ) -> Output:
        """Textures [B, 13, G, G], tokens [U, t], question [B, Q] (rows of tokens).

        Without `answering` the costly half, patch tokens and head, is left out.
        """
        standard = self.encoder.standardise(textures)
        query = self.participatory.question(tokens)[question]
        relevance = self.relevance(flatten(textures), flatten(standard), query)
        budgets, kept = self.budgets(relevance)
        logits = None
        if answering:
            asked = self.encoder.question(tokens)[question]
            logits = self.head(asked, self.encoder(standard), relevance, budgets, kept)
        return Output(logits, relevance, budgets, kept)
