"""Three ways of knowing what matters, and the balance between their tensions.

Formulas of ARR-COC in the compact form with its corrections. Notation: B images, Q questions
per image, N patches, D query width. Every score lies in [0, 1].
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.texture import CHANNELS, EDGE


class Propositional(nn.Module):
    """How much information a patch holds: entropy of its channels over ln 13.

    The temperature, 6 at the start, gives the entropy a usable range.
    """

    def __init__(self) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(6.0))

    def forward(self, textures: Tensor) -> Tensor:
        """Textures [B, N, 13] -> scores [B, N]."""
        logits = self.temperature * textures
        log_p = functional.log_softmax(logits, dim=-1)
        return -(log_p.exp() * log_p).sum(-1) / math.log(len(CHANNELS))


class Perspectival(nn.Module):
    """What stands out to an observer: edge magnitude raised to a power, 1 at the start."""

    def __init__(self) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor(1.0))

    def forward(self, textures: Tensor) -> Tensor:
        """Textures [B, N, 13] -> scores [B, N]."""
        return textures[..., EDGE].clamp(1e-4, 1) ** self.power.clamp_min(0.1)


class QuestionEncoder(nn.Module):
    """The words of a question, weighed by importance, then two layers."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width, padding_idx=0)
        self.importance = nn.Parameter(torch.zeros(words))
        self.norm = nn.LayerNorm(width)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Word numbers [U, t] (0 is padding) -> queries [U, D]."""
        score = (3 * self.importance[tokens.long()]).masked_fill(tokens == 0, -torch.inf)
        weight = torch.softmax(score, dim=-1)[..., None]
        mean: Tensor = self.norm((self.words(tokens) * weight).sum(1))
        query: Tensor = mean + self.layers(mean)
        return query


class Participatory(nn.Module):
    """How a patch fits the question: sigmoid(exp(s) cos(phi(t), e) + b), s = 2, b = 0 at first.

    It reads the question by itself, with an encoder of its own that makes queries of `width`: what
    makes a patch relevant (the colour asked for) is not what makes an answer right (the relation
    asked for).
    """

    def __init__(self, question: nn.Module, width: int) -> None:
        super().__init__()
        self.question = question
        self.embed = nn.Sequential(nn.Linear(len(CHANNELS), 64), nn.GELU(), nn.Linear(64, width))
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, textures: Tensor, query: Tensor) -> Tensor:
        """Standardised textures [B, N, 13] and queries [B, Q, D] -> scores [B, Q, N]."""
        patches = functional.normalize(self.embed(textures), dim=-1)
        cosine = functional.normalize(query, dim=-1) @ patches.transpose(1, 2)
        return torch.sigmoid(self.log_scale.exp() * cosine + self.bias)


class TensionBalancer(nn.Module):
    """Weigh the three scores for this question, then resolve three tensions.

    lambda = sigmoid(theta): compress against particularise, exploit against explore, focus
    against diversify. Holds the parameters of the budget curve too (kappa and offset).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(9 + width, 64), nn.GELU(), nn.Linear(64, 3))
        self.theta = nn.Parameter(torch.zeros(3))
        self.kappa = nn.Parameter(torch.tensor(0.0))
        self.offset = nn.Parameter(torch.tensor(0.0))

    def lambdas(self) -> Tensor:
        """Return the three balances [3] in (0, 1)."""
        return torch.sigmoid(self.theta)

    def forward(
        self, p: Tensor, v: Tensor, a: Tensor, query: Tensor, *, opponent: bool = True
    ) -> Tensor:
        """Scores p, v [B, N] and a [B, Q, N], queries [B, Q, D] -> relevance [B, Q, N].

        Without `opponent` the three tensions are left out.
        """
        p, v = p[:, None], v[:, None]
        image = torch.cat([_summary(p), _summary(v)], dim=-1).expand(-1, a.shape[1], -1)
        features = torch.cat([image, _summary(a), query], dim=-1)
        weight = torch.softmax(self.weigh(features), dim=-1)[..., None]
        raw: Tensor = weight[..., 0, :] * p + weight[..., 1, :] * v + weight[..., 2, :] * a
        if not opponent:
            return raw
        relevance: Tensor = 0.5 * raw + 0.5 * self.resolve(p, v, a, raw)
        return relevance

    def resolve(self, p: Tensor, v: Tensor, a: Tensor, raw: Tensor) -> Tensor:
        """Opponent processing: the weighted sum of three tensions, [B, Q, N].

        p and v are [B, 1, N]: they do not depend on the question.
        """
        first, second, third = self.lambdas().unbind()
        compress = first * p + (1 - first) * a
        exploit = second * v + (1 - second) * (1 - v)
        focus = third * raw + (1 - third) * raw.mean(-1, keepdim=True)
        return 0.4 * compress + 0.3 * exploit + 0.3 * focus


def _summary(scores: Tensor) -> Tensor:
    """Mean, maximum and standard deviation over patches: [B, Q, N] -> [B, Q, 3]."""
    return torch.stack([scores.mean(-1), scores.amax(-1), scores.std(-1)], dim=-1)
