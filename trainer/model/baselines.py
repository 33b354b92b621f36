"""The two networks that ARR-COC is compared with, and every network by name.

Plain attention: what ARR-COC's encoder and glimpses reach without selection.

The relational network: A. Santoro et al., "A simple neural network module for relational reasoning"
(NeurIPS 2017), equation 1: RN(O) = f(sum over i, j of g(o_i, o_j, q)). As published: convolutions
down to 5x5 objects with their places, four layers for g, three for f, the question beside every
pair. Sized for a CPU: layers of 32 where theirs of Sort-of-CLEVR have up to 2,000, texture patches
of this trainer in place of pixels, and words through the encoder of questions in place of a coded
vector.
"""

import torch
from torch import Tensor, nn

from trainer.model.arr_coc import (
    POSITION_FEATURES,
    Answers,
    ArrCoc,
    Network,
    QuestionEncoder,
    Sizes,
    Standardiser,
    flatten,
    position_features,
)
from trainer.settings import ModelSettings

OBJECTS = 5  # per side
HIDDEN = 32


class Look(nn.Module):
    """One round of multi-head attention over all patches, its log mass beside what it saw."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width, self.heads = settings.width, settings.heads
        self.ask = nn.Linear(width, width)
        self.key = nn.Linear(width + POSITION_FEATURES, width)
        self.value = nn.Linear(width + POSITION_FEATURES, width * settings.heads)
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


class WholeEncoder(Standardiser):
    """Textures into patch tokens: an encoder whose convolutions see the fine channels of every patch."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.question = QuestionEncoder(words, width)
        self.patches = nn.Sequential(
            nn.Conv2d(self.mean.shape[0], 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, width, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(width, width, 1),
        )
        self.norm_patch = nn.LayerNorm(width)

    def forward(self, standard: Tensor) -> Tensor:
        """Standardised textures [B, 23, G, G] -> patch tokens [B, N, D + 5]."""
        content = self.norm_patch(flatten(self.patches(standard)))
        return torch.cat([content, position_features(standard)], dim=-1)


class Attention(Network):
    """Every patch for every question: no scorers, no top-K, no budgets.

    The encoders are those of ARR-COC, and the parameters are about as many. A glimpse attends to
    all patches with keys and values that the question does not change: relating every patch to
    every question, as ARR-COC does with the few it keeps, would cost N / K times as much.
    """

    summary = "Plain attention: answers from every patch of the image."
    encoder: WholeEncoder

    def __init__(self, settings: ModelSettings, sizes: Sizes) -> None:
        super().__init__()
        self.keep = sizes.grid**2
        self.encoder = WholeEncoder(sizes.words, settings.width)
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
        keep: int | None = None,  # noqa: ARG002 - it reads every patch
    ) -> Answers:
        """Textures [B, 23, G, G], tokens [U, t], question [B, Q] (rows of tokens)."""
        state = self.encoder.question(tokens)[question]
        patches = self.encoder(self.encoder.standardise(textures))
        for look in self.looks:
            state = look(state, patches)
        return Answers(self.head(state))


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
        """Standardised textures [B, 23, G, G] -> objects [B, M, D + 2], place in [-1, 1] last."""
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
        keep: int | None = None,  # noqa: ARG002 - it reads every patch
    ) -> Answers:
        """Textures [B, 23, G, G], tokens [U, t], question [B, Q] (rows of tokens)."""
        query = self.encoder.question(tokens)[question]
        objects = self.encoder(self.encoder.standardise(textures))
        return Answers(self.head(self.relation(objects, query)))


NETWORKS = {"arr_coc": ArrCoc, "attention": Attention, "relation": Relation}


def build(settings: ModelSettings, sizes: Sizes) -> Network:
    """Build the network that the settings name, with fresh weights."""
    network: Network = NETWORKS[settings.network](settings, sizes)
    return network
