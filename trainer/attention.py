"""The plain-attention control: what ARR-COC's encoder and glimpses reach without selection."""

import torch
from torch import Tensor, nn

from trainer.model import Encoder
from trainer.network import PLACE_FEATURES, Answers, Network, Sizes
from trainer.settings import ModelSettings


class Look(nn.Module):
    """One round of multi-head attention over all patches, its log mass beside what it saw."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, self.heads = settings.width, settings.heads
        self.ask = nn.Linear(width, width)
        self.key = nn.Linear(width + PLACE_FEATURES, width)
        self.value = nn.Linear(width + PLACE_FEATURES, width * settings.heads)
        self.think = nn.Sequential(
            nn.Linear((1 + settings.heads) * width + settings.heads, 2 * width),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(2 * width, width),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, state: Tensor, patches: Tensor) -> Tensor:
        """State [B, Q, D] and patches [B, N, D + 5] -> state."""
        ask, key, value = (
            self.by_head(values)
            for values in (self.ask(state), self.key(patches), self.value(patches))
        )
        logits = ask @ key.transpose(2, 3) / ask.shape[-1] ** 0.5
        mass = logits.logsumexp(-1, keepdim=True)
        seen = ((logits - mass).exp() @ value).transpose(1, 2).flatten(2)
        thought = self.think(torch.cat([state, seen, mass.squeeze(-1).transpose(1, 2)], dim=-1))
        known: Tensor = self.norm(state + thought)
        return known

    def by_head(self, values: Tensor) -> Tensor:
        """[B, M, F] -> [B, heads, M, F / heads]."""
        return values.view(*values.shape[:2], self.heads, -1).transpose(1, 2)


class Attention(Network):
    """Every patch for every question: no scorers, no top-K, no budgets.

    The encoders are those of ARR-COC, and the parameters are about as many. A glimpse attends to
    all patches with keys and values that the question does not change: relating every patch to
    every question, as ARR-COC does with the few it keeps, would cost N / K times as much.
    """

    summary = "Plain attention: answers from every patch of the image."
    encoder: Encoder

    def __init__(self, settings: ModelSettings, sizes: Sizes) -> None:
        super().__init__()
        self.keep = sizes.grid**2
        self.encoder = Encoder(sizes.words, settings.width)
        self.looks = nn.ModuleList(Look(settings) for _ in range(settings.glimpses))
        self.head = nn.Sequential(
            nn.Linear(settings.width, 64), nn.GELU(), nn.Linear(64, sizes.answers)
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
        state = self.encoder.question(tokens)[question]
        patches = self.encoder(self.encoder.standardise(textures))
        for look in self.looks:
            state = look(state, patches)
        return Answers(self.head(state))
