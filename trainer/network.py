"""What every network has in common: textures and questions in, an answer out."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from trainer.texture import CHANNELS

PLACES = [CHANNELS.index("y"), CHANNELS.index("x")]
PLACE_FEATURES = 5  # y, x, y^2 - 1, x^2 - 1, xy


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes that come from the data."""

    grid: int
    words: int
    answers: int


class Output(NamedTuple):
    """What a network that selects says about B images with Q questions each."""

    logits: Tensor | None  # [B, Q, answers]; None where no answer was asked for
    relevance: Tensor  # [B, Q, N] in [0, 1]
    budgets: Tensor  # [B, Q, N] tokens, 0 where dropped
    kept: Tensor  # bool [B, Q, N]


class Answers(NamedTuple):
    """What a network without selection says: it reads every patch for every question."""

    logits: Tensor  # [B, Q, answers]


class Standardiser(nn.Module):
    """Brings every texture channel to mean 0 and deviation 1 over the training images."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(CHANNELS), 1, 1))
        self.register_buffer("deviation", torch.ones(len(CHANNELS), 1, 1))

    def calibrate(self, textures: Tensor) -> None:
        """Take mean and deviation of each channel from training textures [n, 13, G, G]."""
        self.mean.copy_(textures.mean((0, 2, 3))[:, None, None])
        self.deviation.copy_(textures.std((0, 2, 3))[:, None, None].clamp_min(1e-3))

    def standardise(self, textures: Tensor) -> Tensor:
        """Textures [B, 13, G, G], standardised."""
        return (textures - self.mean) / self.deviation


class Network(nn.Module):
    """A network that the loop can train. Its direct children are its state groups.

    `keep` is how many patches of an image an answer may read.
    """

    summary: ClassVar[str]  # one sentence for the model card
    keep: int
    encoder: Standardiser

    def balances(self) -> dict[str, float]:
        """Return learned balances worth reporting, by metric name."""
        return {}


def flatten(maps: Tensor) -> Tensor:
    """[B, C, G, G] -> [B, N, C]."""
    return maps.flatten(2).transpose(1, 2)


def place_features(standard: Tensor) -> Tensor:
    """Where each patch of standardised textures is, [B, N, 5]: y, x, y^2 - 1, x^2 - 1 and xy."""
    place = flatten(standard[:, PLACES])
    return torch.cat([place, place**2 - 1, place.prod(-1, keepdim=True)], dim=-1)
