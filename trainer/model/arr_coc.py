"""The ARR-COC network: question and textures in, answer, relevance and budgets out.

In the order in which an image passes through: textures, three scorers, their balance, token
budgets, patch tokens, glimpses, answer. Formulas of ARR-COC in the compact form with its
corrections. Six state groups: propositional, perspectival, participatory, tension_balancer,
encoder, head. Notation: B images, Q questions per image, N patches of a G x G grid, K of them
kept, D query width.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.data.textures import CHANNELS, EDGE
from trainer.errors import UsageError
from trainer.settings import ModelSettings, SelectionSettings

POSITION = [CHANNELS.index("y"), CHANNELS.index("x")]
POSITION_FEATURES = 5  # y, x, y^2 - 1, x^2 - 1, xy
LEAST_TOKENS = 64  # tokens of a kept patch
MOST_TOKENS = 400
LEVELS = (300, 200, 100)  # least tokens of pyramid levels 0, 1 and 2; fewer is level 3
TIERS = (64, 100, 160, 256, 400)  # tokens of the five quality tiers
FIRST_TRUST = 12.0
USUAL_MASS = 8.0  # about ln of the tokens of a question: keeps the evidence near zero


# ---- What every network has in common


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


def flatten(grid: Tensor) -> Tensor:
    """[B, C, G, G] -> [B, N, C]."""
    return grid.flatten(2).transpose(1, 2)


def position_features(standard: Tensor) -> Tensor:
    """Where each patch of standardised textures is, [B, N, 5]: y, x, y^2 - 1, x^2 - 1 and xy."""
    place = flatten(standard[:, POSITION])
    return torch.cat([place, place**2 - 1, place.prod(-1, keepdim=True)], dim=-1)


# ---- Three ways of knowing what matters, and the balance between their tensions


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


# ---- From relevance to token budgets: hard top-K, 64 to 400 tokens for each kept patch


def check_budget(keep: int, total: int, patches: int) -> None:
    """Refuse settings for which no allocation exists."""
    if keep > patches:
        raise UsageError(f"keep={keep} is more than the {patches} patches of an image")
    if keep * LEAST_TOKENS > total:
        raise UsageError(
            f"budget_total={total} is too small: {keep} kept patches need at least "
            f"{keep * LEAST_TOKENS} tokens"
        )


def top_k(scores: Tensor, keep: int) -> Tensor:
    """Mask bool [..., N] of the `keep` highest scores; of equals the lower index wins."""
    threshold = scores.topk(keep, dim=-1).values[..., -1:]
    above = scores > threshold
    tied = scores == threshold
    room = keep - above.sum(-1, keepdim=True)
    return above | (tied & (tied.cumsum(-1) <= room))


def allocate(
    relevance: Tensor, keep: int, total: int, kappa: Tensor, offset: Tensor
) -> tuple[Tensor, Tensor]:
    """Budgets [..., N] in tokens (0 where dropped) and the mask of kept patches.

    b = 64 + 336 clip(s^k + o, 0, 1) with s the min-max normalised relevance,
    k = 4 sigmoid(kappa) + 0.5 and o = 0.3 tanh(offset). Where the kept budgets exceed `total`,
    the part above 64 shrinks evenly, so the sum never does (given keep * 64 <= total).
    """
    low, high = relevance.amin(-1, keepdim=True), relevance.amax(-1, keepdim=True)
    score = ((relevance - low) / (high - low + 1e-6)).clamp_min(1e-6)
    curve = score ** (4 * torch.sigmoid(kappa) + 0.5) + 0.3 * torch.tanh(offset)
    kept = top_k(relevance.detach(), keep)
    extra = (MOST_TOKENS - LEAST_TOKENS) * curve.clamp(0, 1) * kept
    room = total - keep * LEAST_TOKENS
    extra = extra * (room / extra.sum(-1, keepdim=True).clamp_min(1e-6)).clamp_max(1)
    return (LEAST_TOKENS + extra) * kept, kept


def share_evenly(relevance: Tensor, keep: int, total: int) -> tuple[Tensor, Tensor]:
    """Budgets and mask as `allocate` returns them, every kept patch with the same budget."""
    kept = top_k(relevance.detach(), keep)
    return kept * min(total / keep, float(MOST_TOKENS)), kept


def whole_tokens(budgets: Tensor) -> Tensor:
    """Budgets rounded down to whole tokens, which keeps their sum within the total."""
    return budgets.floor().long()


def pyramid_level(budgets: Tensor) -> Tensor:
    """Level of an image pyramid that a budget in tokens pays for: 0 is the finest, 3 the coarsest.

    300 tokens and more are level 0, 200 level 1, 100 level 2, fewer level 3 (that of a dropped
    patch too).
    """
    return len(LEVELS) - _reached(budgets, LEVELS)


def quality_tier(budgets: Tensor) -> Tensor:
    """Find the number in TIERS of the best quality tier that a budget pays for; -1 for a dropped patch.

    Never above the budget, so that tokens by tier stay within the total too.
    """
    return _reached(budgets, TIERS) - 1


def _reached(budgets: Tensor, marks: tuple[int, ...]) -> Tensor:
    """How many of the marks each budget reaches."""
    return (budgets[..., None] >= budgets.new_tensor(marks)).sum(-1)


# ---- The selection


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


def relevance_loss(relevance: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy of relevance in [0, 1] against masks in [0, 1].

    Written out, because the library's function raises on NaN before the loop can report it.
    """
    guess = relevance.clamp(1e-4, 1 - 1e-4)
    return -(mask * guess.log() + (1 - mask) * (1 - guess).log()).mean()


# ---- From kept patches and their budgets to an answer: glimpses, each steered by the last


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
        return torch.cat([content, position_features(standard)], dim=-1)


class Kept(NamedTuple):
    """The K kept patches of every question, in the order of the image."""

    patches: Tensor  # [B, Q, K, D + 5]
    relevance: Tensor  # [B, Q, K]
    weight: Tensor  # [B, Q, K], ln of the budget


class Glimpse(nn.Module):
    """One look at the kept patches, each seen in relation to where the last look went.

    A patch is seen together with the question, its relevance and, for every head, its offset and
    distance from the place that head looked at before: relations for K patches, which only
    selection makes cheap. b copies of a patch weigh ln b more in softmax attention. The log of
    the total attention mass of each head joins the state, because a softmax alone cannot count.
    `trust` is how much the relevance map itself steers each head: in the first glimpse every
    other head starts by following it, all others start free.
    """

    trust: Tensor

    def __init__(self, settings: ModelSettings, *, first: bool) -> None:
        super().__init__()
        width, heads = settings.width, settings.heads
        follows = torch.arange(heads) % 2 == 0
        self.trust = nn.Parameter(FIRST_TRUST * (follows & first).float())
        self.patch = nn.Linear(width + POSITION_FEATURES, width)
        self.ask = nn.Linear(width, width, bias=False)
        self.relate = nn.Linear(3 * heads + 1, width, bias=False)
        self.look = nn.Linear(width, heads)
        self.think = nn.Sequential(
            nn.Linear((1 + heads) * width + heads, 2 * width),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(2 * width, width),
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, state: Tensor, where: Tensor, kept: Kept) -> tuple[Tensor, Tensor]:
        """State [B, Q, D] and the place each head looked at [B, Q, heads, 2] -> both, renewed."""
        place = kept.patches[..., -POSITION_FEATURES:][..., :2]
        related = self.patch(kept.patches) + self.relate(relation(place, where, kept.relevance))
        seen = functional.gelu(related + self.ask(state)[:, :, None])
        logits = self.look(seen) + kept.weight[..., None] + self.trust * kept.relevance[..., None]
        highest = logits.detach().amax(2, keepdim=True)
        share = (logits - highest).exp()
        total = share.sum(2, keepdim=True)
        evidence = (highest + total.log()).squeeze(2) - USUAL_MASS
        share = (share / total).transpose(2, 3)
        found = (share @ seen).flatten(2)
        thought = self.think(torch.cat([state, found, evidence], dim=-1))
        known: Tensor = self.norm(state + thought)
        return known, share @ place


def relation(place: Tensor, where: Tensor, relevance: Tensor) -> Tensor:
    """How places [B, Q, K, 2] lie to places [B, Q, H, 2]: offsets, distances, and relevance.

    Returns [B, Q, K, 3 H + 1].
    """
    offset = place[..., None, :] - where[:, :, None]
    distance = (offset.square().sum(-1) + 1e-6).sqrt()
    return torch.cat([offset.flatten(3), distance, relevance[..., None]], dim=-1)


class Head(nn.Module):
    """Several glimpses at the kept patches, then the answer."""

    def __init__(self, settings: ModelSettings, answers: int) -> None:
        super().__init__()
        self.keep, self.heads = settings.keep, settings.heads
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
        seen = gather(patches, relevance, budgets, kept, self.keep)
        state, where = query, query.new_zeros(*query.shape[:2], self.heads, 2)
        for glimpse in self.glimpses:
            state, where = glimpse(state, where, seen)
        logits: Tensor = self.answer(state)
        return logits


def gather(patches: Tensor, relevance: Tensor, budgets: Tensor, kept: Tensor, keep: int) -> Kept:
    """Pick the `keep` kept patches of every question from patches [B, N, F], in their order."""
    # Ranks of kept patches differ, so that their order does not hang on how top-K breaks ties.
    rank = kept * torch.arange(kept.shape[-1], 0, -1, device=kept.device)
    index = rank.topk(keep, dim=-1).indices
    spread = index.flatten(1)[..., None].expand(-1, -1, patches.shape[-1])
    picked = patches.gather(1, spread).view(*index.shape, -1)
    return Kept(picked, relevance.gather(2, index), budgets.gather(2, index).clamp_min(1).log())


# ---- All of it


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
