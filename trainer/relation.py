"""The relational-network baseline: convolutions, all pairs of objects, a sum, an answer.

A. Santoro et al., "A simple neural network module for relational reasoning" (NeurIPS 2017),
equation 1: RN(O) = f(sum over i, j of g(o_i, o_j, q)). As published: convolutions down to 5x5
objects with their places, four layers for g, three for f, the question beside every pair. Sized for
a CPU: layers of 32 where theirs of Sort-of-CLEVR have up to 2,000, texture patches of this trainer
in place of pixels, and words through the encoder of questions in place of a coded vector.
"""

import torch
from torch import Tensor, nn

from trainer.network import Answers, Network, Sizes, Standardiser, flatten
from trainer.scorers import QuestionEncoder
from trainer.settings import ModelSettings

OBJECTS = 5  # per side
HIDDEN = 32


class ObjectEncoder(Standardiser):
    """Textures into objects, the cells of a coarse map."""

    def __init__(self, words: int, width: int, grid: int) -> None:
        super().__init__()
        self.question = QuestionEncoder(words, width)
        self.maps = nn.Sequential(
            nn.Conv2d(self.mean.shape[0], 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, width, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GELU(),
            nn.AdaptiveMaxPool2d(min(OBJECTS, grid)),
        )

    def forward(self, standard: Tensor) -> Tensor:
        """Standardised textures [B, 13, G, G] -> objects [B, M, D + 2], place in [-1, 1] last."""
        maps = self.maps(standard)
        axis = torch.linspace(-1, 1, maps.shape[-1], device=maps.device)
        place = torch.stack(torch.meshgrid(axis, axis, indexing="ij"))
        return torch.cat([flatten(maps), flatten(place.expand(len(maps), -1, -1, -1))], dim=-1)


class Pairs(nn.Module):
    """Sum over all pairs of objects of g(first, second, question).

    The first layer of g is linear in its three inputs: applied to each alone and then added, it
    costs a sum per pair instead of a product of matrices.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width + 2, HIDDEN)
        self.second = nn.Linear(width + 2, HIDDEN, bias=False)
        self.query = nn.Linear(width, HIDDEN, bias=False)
        self.rest = nn.Sequential(
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
        )

    def forward(self, objects: Tensor, query: Tensor) -> Tensor:
        """Objects [B, M, D + 2] and queries [B, Q, D] -> [B, Q, HIDDEN]."""
        pairs = self.first(objects)[:, :, None] + self.second(objects)[:, None]
        asked = pairs.flatten(1, 2)[:, None] + self.query(query)[:, :, None]
        related: Tensor = self.rest(asked).sum(2)
        return related


class Relation(Network):
    """CNN and relational network: every object of the image beside every other."""

    summary = "Relational network: answers from all pairs of 5x5 objects."
    encoder: ObjectEncoder

    def __init__(self, settings: ModelSettings, sizes: Sizes) -> None:
        super().__init__()
        self.keep = sizes.grid**2
        self.encoder = ObjectEncoder(sizes.words, settings.width, sizes.grid)
        self.relation = Pairs(settings.width)
        self.head = nn.Sequential(
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Dropout(settings.dropout),
            nn.Linear(HIDDEN, sizes.answers),
        )

    def forward(
        self,
        textures: Tensor,
        tokens: Tensor,
        question: Tensor,
        *,
        answering: bool = True,  # noqa: ARG002 - it has nothing but answers
    ) -> Answers:
        """Textures [B, 13, G, G], tokens [U, t], question [B, Q] (rows of tokens)."""
        query = self.encoder.question(tokens)[question]
        objects = self.encoder(self.encoder.standardise(textures))
        return Answers(self.head(self.relation(objects, query)))
