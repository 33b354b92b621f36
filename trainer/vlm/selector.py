"""The ARR-COC selection over the vision tokens of a backbone, and how its budgets are felt."""

import torch
from torch import Tensor, nn

from trainer.model import Selection
from trainer.network import Output, flatten
from trainer.settings import SelectionSettings
from trainer.texture import CHANNELS


class Query(nn.Sequential):
    """Mean token embedding of a question [B, D] as a query [B, width]."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__(
            nn.LayerNorm(hidden), nn.Linear(hidden, width), nn.GELU(), nn.Linear(width, width)
        )


class Selector(Selection):
    """Texture and question in, relevance and budgets of every vision token out.

    Trained in f32, whatever the backbone computes in.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: SelectionSettings, hidden: int, tokens: int) -> None:
        super().__init__(settings, Query(hidden, settings.width), tokens)
        self.register_buffer("mean", torch.zeros(len(CHANNELS)))
        self.register_buffer("deviation", torch.ones(len(CHANNELS)))

    def calibrate(self, textures: Tensor) -> None:
        """Take mean and deviation of each channel from training textures [n, 13, G, G]."""
        self.mean.copy_(textures.mean((0, 2, 3)))
        self.deviation.copy_(textures.std((0, 2, 3)).clamp_min(1e-3))

    def forward(self, textures: Tensor, questions: Tensor) -> Output:
        """Textures [B, 13, G, G], mean embeddings of questions [B, D] -> maps [B, 1, N]."""
        raw = flatten(textures)
        query = self.participatory.question(questions)[:, None]
        relevance = self.relevance(raw, (raw - self.mean) / self.deviation, query)
        budgets, kept = self.budgets(relevance)
        return Output(None, relevance, budgets, kept)


def emphasis(budgets: Tensor) -> Tensor:
    """Return what budgets of kept tokens [B, K] add to their attention logits: ln(b / mean b).

    b copies of a token weigh ln b more in a softmax. Here the text stands in the same softmax
    with one copy each, and the backbone was trained on one copy of everything: so budgets count
    in units of their mean. Equal budgets leave the backbone exactly as it was.
    """
    return (budgets / budgets.mean(-1, keepdim=True)).log()
