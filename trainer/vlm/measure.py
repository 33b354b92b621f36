"""What a selection achieves in front of a backbone: answers, relevance, budgets."""

from collections import defaultdict

from torch import Tensor

from trainer.budgets import whole_tokens
from trainer.measure import ON_TARGET
from trainer.network import Output
from trainer.vlm.data import Batch, Pairs
from trainer.vlm.reader import Reader
from trainer.vqa_answers import accuracy

PEOPLE = 10


def measure(reader: Reader, pairs: Pairs, batch: int, longest: int) -> dict[str, float]:
    """Every metric on the questions of some images; the selector is left in evaluation mode.

    vqa_accuracy: as published; where the data have one answer, ten people are taken to give it.
    relevance_iou and recall_at_k: over the questions that have boxes, NaN without any.
    """
    reader.selector.eval()
    sums = Sums()
    for first in range(0, len(pairs), batch):
        part = pairs.batch(range(first, min(first + batch, len(pairs))))
        output, said = reader.answers(part, longest)
        sums.add(output, part, said)
    lambdas = reader.selector.tension_balancer.lambdas().tolist()
    return sums.means() | {f"lambda_{n}": value for n, value in enumerate(lambdas, start=1)}


class Sums:
    """Numerators and denominators, added up over batches."""

    def __init__(self) -> None:
        self.top: dict[str, float] = defaultdict(float)
        self.bottom: dict[str, float] = defaultdict(float)

    def add(self, output: Output, batch: Batch, said: list[str]) -> None:
        """Count one batch."""
        for answer, asked in zip(said, batch.questions, strict=True):
            self._count(
                "vqa_accuracy", accuracy(answer, asked.answers or (asked.answer,) * PEOPLE), 1
            )
        kept, budgets = output.kept[:, 0].cpu(), output.budgets[:, 0].cpu()
        self._count("kept_fraction", kept.sum(), kept.numel())
        self._count("budget_mean", whole_tokens(budgets).sum(), kept.sum())
        relevance, mask = output.relevance[:, 0].cpu()[batch.boxed], batch.relevance[batch.boxed]
        target = mask >= ON_TARGET
        self._count("recall_at_k", (kept[batch.boxed] & target).sum(), target.sum())
        self._count("relevance_iou", relevance.minimum(mask).sum(), relevance.maximum(mask).sum())

    def _count(self, name: str, value: Tensor | float, out_of: Tensor | float) -> None:
        self.top[name] += float(value)
        self.bottom[name] += float(out_of)

    def means(self) -> dict[str, float]:
        """Divide; a metric without anything to count is NaN."""
        nan = float("nan")
        return {n: self.top[n] / self.bottom[n] if self.bottom[n] else nan for n in self.top}
