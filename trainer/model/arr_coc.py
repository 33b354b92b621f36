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

from trainer.data.textures import ALL_CHANNELS, CHANNELS, EDGE, FINE
from trainer.errors import TrainerError, UsageError
from trainer.settings import ModelSettings, SelectionSettings

POSITION = [CHANNELS.index("y"), CHANNELS.index("x")]
POSITION_FEATURES = 5  # y, x, y^2 - 1, x^2 - 1, xy
LEAST_TOKENS = 64  # tokens of a kept patch
MOST_TOKENS = 400
LEVELS = (300, 200, 100)  # least tokens of pyramid levels 0, 1 and 2; fewer is level 3
TIERS = (64, 100, 160, 256, 400)  # tokens of the five quality tiers
BESIDE_A_PEAK = 0.25
KEPT_SHARES = (1.0, 0.5, 1.0, 0.5)  # of `keep`, from step to step
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
        self.register_buffer("mean", torch.zeros(len(ALL_CHANNELS), 1, 1))
        self.register_buffer("deviation", torch.ones(len(ALL_CHANNELS), 1, 1))
        self.register_load_state_dict_pre_hook(refuse_older)  # type: ignore[no-untyped-call]

    def calibrate(self, textures: Tensor) -> None:
        """Take mean and deviation of each channel from training textures [n, 23, G, G]."""
        self.mean.copy_(textures.mean((0, 2, 3))[:, None, None])
        self.deviation.copy_(textures.std((0, 2, 3))[:, None, None].clamp_min(1e-3))

    def standardise(self, textures: Tensor) -> Tensor:
        """Textures [B, 23, G, G], standardised."""
        return (textures - self.mean) / self.deviation


def refuse_older(
    module: nn.Module, weights: dict[str, Tensor], prefix: str, *_others: object
) -> None:
    """Refuse weights for other channels than those of today."""
    own, given = module.get_buffer("mean"), weights.get(f"{prefix}mean")
    if given is not None and len(given) != len(own):
        raise TrainerError(
            f"the model reads {len(given)} channels a patch where the trainer now writes {len(own)}: "
            "it is of an older trainer, train it again with `python -m trainer`"
        )


class Network(nn.Module):
    """A network that the loop can train. Its direct children are its state groups.

    `keep` is how many patches of an image an answer may read; a call may name another number.
    """

    summary: ClassVar[str]  # one sentence for the model card
    keep: int
    encoder: Standardiser

    def keep_at(self, step: int) -> int:
        """Patches kept in a training step: all networks that select learn to read with fewer too."""
        share = KEPT_SHARES[step % len(KEPT_SHARES)]
        return max(1, round(self.keep * share))

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


def allocate(relevance: Tensor, kept: Tensor, total: int, kappa: Tensor, offset: Tensor) -> Tensor:
    """Budgets [..., N] in tokens of the kept patches bool [..., N], 0 where dropped.

    b = 64 + 336 clip(s^k + o, 0, 1) with s the min-max normalised relevance,
    k = 4 sigmoid(kappa) + 0.5 and o = 0.3 tanh(offset). Where the kept budgets exceed `total`,
    the part above 64 shrinks evenly, so the sum never does (given 64 tokens for each in total).
    """
    low, high = relevance.amin(-1, keepdim=True), relevance.amax(-1, keepdim=True)
    score = ((relevance - low) / (high - low + 1e-6)).clamp_min(1e-6)
    curve = score ** (4 * torch.sigmoid(kappa) + 0.5) + 0.3 * torch.tanh(offset)
    extra = (MOST_TOKENS - LEAST_TOKENS) * curve.clamp(0, 1) * kept
    room = total - kept.sum(-1, keepdim=True) * LEAST_TOKENS
    extra = extra * (room / extra.sum(-1, keepdim=True).clamp_min(1e-6)).clamp_max(1)
    return (LEAST_TOKENS + extra) * kept


def spread_order(relevance: Tensor, grid: int) -> Tensor:
    """Order [B, Q, N] in which patches are kept: what is relevant here, and not yet beside it.

    A patch that is less relevant than one of its eight neighbours counts a quarter, so that few
    patches reach every relevant object before they fill the first.
    """
    board = relevance.view(*relevance.shape[:-1], grid, grid)
    highest = functional.max_pool2d(board, 3, stride=1, padding=1)
    return torch.where(board == highest, board, board * BESIDE_A_PEAK).flatten(-2)


def share_evenly(kept: Tensor, total: int) -> Tensor:
    """Budgets as `allocate` returns them, every kept patch with the same budget."""
    return kept * (total / kept.sum(-1, keepdim=True)).clamp_max(MOST_TOKENS)


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

    def budgets(self, relevance: Tensor, keep: int | None = None) -> tuple[Tensor, Tensor]:
        """Budgets [B, Q, N] in tokens and the mask of kept patches.

        Another `keep` than that of the settings has a total in proportion.
        """
        keep = keep or self.keep
        total = self.total * keep // self.keep
        kept = top_k(self.order(relevance).detach(), keep)
        if "budgets" in self.ablate:
            return share_evenly(kept, total), kept
        curve = self.tension_balancer
        return allocate(relevance, kept, total, curve.kappa, curve.offset), kept

    def order(self, relevance: Tensor) -> Tensor:
        """Order [B, Q, N] in which patches are kept: the most relevant first."""
        return relevance

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
    """Textures into patch tokens, questions into what the head asks.

    Convolutions see the coarse channels alone. Nothing fine of a dropped patch reaches any token.
    """

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
        self.fine = nn.Sequential(
            nn.Linear(9 * (len(FINE) + 1), width), nn.GELU(), nn.Linear(width, width)
        )
        self.norm_patch = nn.LayerNorm(width)

    def forward(self, standard: Tensor, kept: Tensor, index: Tensor) -> Tensor:
        """Standardised textures [B, 23, G, G] -> tokens [B, Q, K, D + 5] of the kept patches.

        `index` [B, Q, K] are the kept patches, `kept` [B, Q, N] their mask. The last five numbers
        of a token say where the patch is: y, x, y^2 - 1, x^2 - 1 and xy.
        """
        coarse, fine = standard[:, : len(CHANNELS)], standard[:, len(CHANNELS) :]
        coarse_part = pick(flatten(self.patches(coarse)), index)
        content = self.norm_patch(coarse_part + self.fine(neighbourhood(fine, kept, index)))
        return torch.cat([content, pick(position_features(standard), index)], dim=-1)


def pick(patches: Tensor, index: Tensor) -> Tensor:
    """Pick patches [B, N, F] by an index [B, Q, K] -> [B, Q, K, F]."""
    spread = index.flatten(1)[..., None].expand(-1, -1, patches.shape[-1])
    return patches.gather(1, spread).view(*index.shape, -1)


def neighbourhood(fine: Tensor, kept: Tensor, index: Tensor) -> Tensor:
    """Fine channels [B, C, G, G] of each kept patch and its eight neighbours, as far as they are kept.

    Returns [B, Q, K, 9 (C + 1)]: what was dropped is 0, and the last channel says so.
    """
    images, channels, *grid = fine.shape
    asked, patches = kept.shape[1:]
    marked = torch.cat([fine, torch.ones_like(fine[:, :1])], dim=1)
    around = functional.unfold(marked, 3, padding=1).transpose(1, 2)
    read = functional.unfold(kept.view(images, asked, *grid).to(fine.dtype), 3, padding=1)
    read = read.view(images, asked, 9, patches).transpose(2, 3)
    read = read.gather(2, index[..., None].expand(-1, -1, -1, 9))
    near = pick(around, index).view(*index.shape, channels + 1, 9)
    return (near * read[..., None, :]).flatten(3)


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
        self.heads = settings.heads
        self.glimpses = nn.ModuleList(
            Glimpse(settings, first=number == 0) for number in range(settings.glimpses)
        )
        self.answer = nn.Sequential(
            nn.Linear(settings.width, 64), nn.GELU(), nn.Linear(64, answers)
        )

    def forward(self, query: Tensor, seen: Kept) -> Tensor:
        """Logits [B, Q, answers] from kept patches only."""
        state, where = query, query.new_zeros(*query.shape[:2], self.heads, 2)
        for glimpse in self.glimpses:
            state, where = glimpse(state, where, seen)
        logits: Tensor = self.answer(state)
        return logits


def kept_index(kept: Tensor, keep: int) -> Tensor:
    """Numbers [B, Q, K] of the `keep` kept patches of every question, in their order."""
    # Ranks of kept patches differ, so that their order does not hang on how top-K breaks ties.
    rank = kept * torch.arange(kept.shape[-1], 0, -1, device=kept.device)
    return rank.topk(keep, dim=-1).indices


# ---- All of it


class ArrCoc(Selection, Network):
    """Texture -> three scorers -> balancer -> budgets -> attention -> answer."""

    summary = "ARR-COC: answers from a coarse image and what the question makes relevant."
    encoder: Encoder

    def __init__(self, settings: ModelSettings, sizes: Sizes) -> None:
        question = QuestionEncoder(sizes.words, settings.width)
        super().__init__(settings, question, sizes.grid**2)
        self.grid = sizes.grid
        self.encoder = Encoder(sizes.words, settings.width)
        self.head = Head(settings, sizes.answers)

    def order(self, relevance: Tensor) -> Tensor:
        """Order [B, Q, N] in which patches are kept: peaks of relevance first."""
        return relevance if "spread" in self.ablate else spread_order(relevance, self.grid)

    def forward(
        self,
        textures: Tensor,
        tokens: Tensor,
        question: Tensor,
        *,
        answering: bool = True,
        keep: int | None = None,
    ) -> Output:
        """Textures [B, 23, G, G], tokens [U, t], question [B, Q] (rows of tokens).

        Patches are chosen by the coarse channels, before anything fine is read. Without `answering`
        the costly half, patch tokens and head, is left out.
        """
        standard = self.encoder.standardise(textures)
        query = self.participatory.question(tokens)[question]
        seen, coarse = (flatten(grid[:, : len(CHANNELS)]) for grid in (textures, standard))
        relevance = self.relevance(seen, coarse, query)
        budgets, kept = self.budgets(relevance, keep)
        logits = None
        if answering:
            asked = self.encoder.question(tokens)[question]
            index = kept_index(kept, keep or self.keep)
            patches = self.encoder(standard, kept, index)
            weight = budgets.gather(2, index).clamp_min(1).log()
            logits = self.head(asked, Kept(patches, relevance.gather(2, index), weight))
        return Output(logits, relevance, budgets, kept)
