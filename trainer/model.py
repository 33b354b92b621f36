"""The ARR-COC network: question and textures in, answer, relevance and budgets out.

Six state groups: propositional, perspectival, participatory, tension_balancer, encoder, head.
"""

import torch
from torch import Tensor, nn

from trainer.budgets import allocate, check_budget, share_evenly
from trainer.head import Head
from trainer.network import Network, Output, Sizes, Standardiser, flatten, place_features
from trainer.scorers import (
    Participatory,
    Perspectival,
    Propositional,
    QuestionEncoder,
    TensionBalancer,
)
from trainer.settings import ModelSettings, SelectionSettings
from trainer.texture import CHANNELS


class Encoder(Standardiser):
    """Textures into patch tokens, questions into what the head asks."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.question = QuestionEncoder(words, width)
        self.patches = nn.Sequential(
            nn.Conv2d(len(CHANNELS), 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, width, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width, width, 1),
        )
        self.norm_patch = nn.LayerNorm(width)

    def forward(self, standard: Tensor) -> Tensor:
        """Standardised textures [B, 13, G, G] -> patch tokens [B, N, D + 5].

        The last five numbers say where the patch is: y, x, y^2 - 1, x^2 - 1 and xy.
        """
        content = self.norm_patch(flatten(self.patches(standard)))
        return torch.cat([content, place_features(standard)], dim=-1)


class Selection(nn.Module):
    """Texture -> three scorers -> balancer -> relevance and budgets."""

    def __init__(self, settings: SelectionSettings, question: nn.Module, patches: int) -> None:
        super().__init__()
        check_budget(settings.keep, settings.budget_total, patches)
        self.keep, self.total = settings.keep, settings.budget_total
        self.ablate: frozenset[str] = frozenset({settings.ablate})
        self.propositional = Propositional()
        self.perspectival = Perspectival()
        self.participatory = Participatory(question, settings.width)
        self.tension_balancer = TensionBalancer(settings.width)

    def budgets(self, relevance: Tensor) -> tuple[Tensor, Tensor]:
        """Budgets [B, Q, N] in tokens and the mask of kept patches."""
        if "budgets" in self.ablate:
            return share_evenly(relevance, self.keep, self.total)
        curve = self.tension_balancer
        return allocate(relevance, self.keep, self.total, curve.kappa, curve.offset)

    def relevance(self, textures: Tensor, standard: Tensor, query: Tensor) -> Tensor:
        """Relevance [B, Q, N] of patches [B, N, 13], raw and standardised, to queries [B, Q, D].

        A scorer left out scores 0 everywhere, and without the participatory one nothing reads the
        question; without the opponents the weighted scores are all.
        """
        if "participatory" in self.ablate:
            query = torch.zeros_like(query)
        scores = {
            "propositional": self.propositional(textures),
            "perspectival": self.perspectival(textures),
            "participatory": self.participatory(standard, query),
        }
        p, v, a = (
            torch.zeros_like(score) if name in self.ablate else score
            for name, score in scores.items()
        )
        opponent = "opponent" not in self.ablate
        balanced: Tensor = self.tension_balancer(p, v, a, query, opponent=opponent)
        return balanced

    def balances(self) -> dict[str, float]:
        """Return lambda_1 to lambda_3, the balances of the three tensions."""
        found = self.tension_balancer.lambdas().tolist()
        return {f"lambda_{number}": value for number, value in enumerate(found, start=1)}


class ArrCoc(Selection, Network):
    """Texture -> three scorers -> balancer -> budgets -> attention -> answer."""

    summary = "ARR-COC: answers from the patches that the question makes relevant."
    encoder: Encoder

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
