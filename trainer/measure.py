"""What a model achieves on a split: accuracies, baselines, relevance and budgets."""

from collections import defaultdict
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from trainer.budgets import LEVELS, TIERS, pyramid_level, quality_tier, whole_tokens
from trainer.dataset import Batch, Split
from trainer.network import Answers, Network, Output
from trainer.objective import relevance_loss
from trainer.vqa_tensors import vqa_accuracy

ON_TARGET = 0.25  # least relevance of a patch that counts as a target


def measure(
    model: Network, split: Split, batch: int, *, answering: bool = True
) -> dict[str, float]:
    """Every model metric on a split; without `answering` those of relevance and budgets only.

    A network without selection has neither of the two.

    The model is left in evaluation mode.
    """
    model.eval()
    sums = Sums()
    with torch.inference_mode():
        for first in range(0, len(split), batch):
            index = torch.arange(first, min(first + batch, len(split)))
            part = split.batch(index)
            output = model(part.textures, part.tokens, part.question, answering=answering)
            sums.add(output, part)
            sums.add_human(output, split, index)
    return sums.metrics() | model.balances()


@dataclass(slots=True)
class Sums:
    """Numerators and denominators of the metrics, added up over batches."""

    top: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    bottom: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    most: int = 0  # tokens of the question with the most

    def add(self, output: Output | Answers, batch: Batch) -> None:
        """Count one batch."""
        if output.logits is not None:
            self._accuracies(output.logits.argmax(-1) == batch.answer, batch.relational)
        if isinstance(output, Output):
            self._relevance(output, batch)
            self._budgets(output, batch)

    def add_human(self, output: Output | Answers, split: Split, index: Tensor) -> None:
        """Count the VQA accuracy of a batch, where the data say what people answered."""
        if output.logits is not None and "human" in split.tensors:
            said, earned = split.tensors["human"][index], split.tensors["human_accuracy"][index]
            values = vqa_accuracy(output.logits.argmax(-1), said, earned)
            self._count("vqa_accuracy", values, values.numel())

    def _count(self, name: str, values: Tensor, out_of: float) -> None:
        self.top[name] += values.double().sum().item()
        self.bottom[name] += out_of

    def _accuracies(self, right: Tensor, relational: Tensor) -> None:
        self._count("accuracy", right, right.numel())
        self._count("relational_accuracy", right[relational], relational.sum().item())
        self._count("non_relational_accuracy", right[~relational], (~relational).sum().item())

    def _relevance(self, output: Output, batch: Batch) -> None:
        target = batch.relevance >= ON_TARGET
        within = torch.minimum(target.sum(-1), output.kept.sum(-1))
        self._count("recall_at_k", output.kept & target, within.sum().item())
        self._count("kept_fraction", output.kept, output.kept.numel())
        count = batch.relevance.numel()
        self._count("relevance_loss", relevance_loss(output, batch) * count, count)
        overlap = torch.minimum(output.relevance, batch.relevance)
        union = torch.maximum(output.relevance, batch.relevance)
        self._count("relevance_iou", overlap, union.double().sum().item())
        distinct = query_distinctness(output.relevance)
        self._count("query_distinctness", distinct, distinct.numel())

    def _budgets(self, output: Output, batch: Batch) -> None:
        tokens, chosen = whole_tokens(output.budgets), output.kept
        target = chosen & (batch.relevance >= ON_TARGET)
        kept = chosen.sum().item()
        self.most = max(self.most, int(tokens.sum(-1).max()))
        self._count("budget_mean", tokens, kept)
        self._count("budget_square", tokens**2, kept)
        self._count("budget_total", tokens, tokens.shape[0] * tokens.shape[1])
        self._count("budget_on_target", tokens[target], target.sum().item())
        levels, tiers = pyramid_level(tokens)[chosen], quality_tier(tokens)[chosen]
        for level in range(len(LEVELS) + 1):
            self._count(f"level_{level}", levels == level, kept)
        for number, tier in enumerate(TIERS):
            self._count(f"tier_{tier}", tiers == number, kept)

    def metrics(self) -> dict[str, float]:
        """Divide; a metric without anything to count is NaN."""
        nan = float("nan")
        mean = {n: self.top[n] / self.bottom[n] if self.bottom[n] else nan for n in self.top}
        if "budget_square" not in mean:
            return mean
        square = mean.pop("budget_square")
        mean["budget_std"] = max(square - mean["budget_mean"] ** 2, 0.0) ** 0.5
        mean["budget_most"] = self.most
        mean["budget_on_target_ratio"] = mean.pop("budget_on_target") / mean["budget_mean"]
        return mean


def query_distinctness(relevance: Tensor) -> Tensor:
    """Mean of 1 - cosine over pairs of different questions of an image: [B, Q, N] -> [B]."""
    unit = functional.normalize(relevance, dim=-1)
    asked = unit.shape[1]
    if asked == 1:
        return unit.new_zeros(len(unit))
    total = (unit @ unit.transpose(1, 2)).sum((1, 2))
    return 1 - (total - asked) / (asked * (asked - 1))


def question_only_baseline(train: Split, test: Split, answers: int) -> dict[str, float]:
    """Measure what is reached without looking.

    chance_accuracy: guessing by the answer frequencies of the training questions.
    baseline_accuracy: the most frequent training answer of the very same question text.
    """
    seen = train.tensors["answer"].flatten()
    frequency = torch.bincount(seen, minlength=answers).double() / seen.numel()
    table = _table(train, answers)
    rows = _same_text(train.tensors["tokens"], test.tensors["tokens"])
    guess = torch.cat([table, frequency[None]]).argmax(-1)[rows]
    truth = test.tensors["answer"]
    right = (guess[test.tensors["question"].long()] == truth).double()
    relational = test.tensors["relational"]
    known = truth.clamp_min(0)
    return {
        "chance_accuracy": (frequency[known] * (truth >= 0)).mean().item(),
        "baseline_accuracy": right.mean().item(),
        "relational_baseline_accuracy": right[relational].mean().item(),
        "non_relational_baseline_accuracy": right[~relational].mean().item(),
    }


def _table(train: Split, answers: int) -> Tensor:
    """How often each question text had each answer in training: [U, answers]."""
    pairs = train.tensors["question"].long() * answers + train.tensors["answer"]
    texts = len(train.tensors["tokens"])
    return torch.bincount(pairs.flatten(), minlength=texts * answers).view(texts, answers).double()


def _same_text(train: Tensor, test: Tensor) -> Tensor:
    """Row of every test text among the training texts; len(train) where it is new."""
    rows = {_words(line): number for number, line in enumerate(train)}
    return torch.tensor([rows.get(_words(line), len(train)) for line in test])


def _words(line: Tensor) -> tuple[int, ...]:
    return tuple(number for number in line.tolist() if number)
