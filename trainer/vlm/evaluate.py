"""`python -m trainer.vlm.evaluate`: VQA accuracy of a trained selection on the held-out images."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.config import parse
from trainer.data.vqa_accuracy import accuracy
from trainer.distributed import choose_device
from trainer.errors import run_program
from trainer.evaluate import ON_TARGET, Ratios
from trainer.model.arr_coc import Output, whole_tokens
from trainer.settings import VlmEvaluateSettings
from trainer.storage import write_metrics
from trainer.vertex import current_context, local_path
from trainer.vlm import need_transformers
from trainer.vlm.data import Batch, Pairs, all_pairs, read_shards
from trainer.vlm.model import Reader, load_selector

PEOPLE = 10


def main(argv: Sequence[str]) -> int:
    """Write metrics.json; returns the exit code."""
    settings = parse(VlmEvaluateSettings, argv)
    need_transformers()
    torch.set_num_threads(settings.threads)
    context = current_context(settings.output)
    device = choose_device(settings.device)
    reader, step = load_selector(local_path(settings.model), settings, device)
    records = read_shards(local_path(settings.data)).held_out
    pairs = all_pairs(records, settings.side, reader.backbone.shape.grid)
    metrics = measure(reader, pairs, settings.batch, settings.longest)
    write_metrics(context.model_dir, metrics, step)
    context.publish()
    print(f"{len(pairs)} held-out questions: vqa_accuracy {metrics['vqa_accuracy']:.4f}")
    return 0


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


@dataclass(slots=True)
class Sums(Ratios):
    """The metrics of a selection in front of a backbone, added up over batches."""

    def add(self, output: Output, batch: Batch, said: list[str]) -> None:
        """Count one batch."""
        for answer, asked in zip(said, batch.questions, strict=True):
            people = asked.answers or (asked.answer,) * PEOPLE
            self.count("vqa_accuracy", accuracy(answer, people), 1)
        kept, budgets = output.kept[:, 0].cpu(), output.budgets[:, 0].cpu()
        self._count("kept_fraction", kept.sum(), kept.numel())
        self._count("budget_mean", whole_tokens(budgets).sum(), kept.sum())
        relevance, mask = output.relevance[:, 0].cpu()[batch.boxed], batch.relevance[batch.boxed]
        target = mask >= ON_TARGET
        self._count("recall_at_k", (kept[batch.boxed] & target).sum(), target.sum())
        self._count("relevance_iou", relevance.minimum(mask).sum(), relevance.maximum(mask).sum())

    def _count(self, name: str, amount: Tensor, out_of: Tensor | int) -> None:
        self.count(name, float(amount), float(out_of))


if __name__ == "__main__":
    sys.exit(run_program(main))
