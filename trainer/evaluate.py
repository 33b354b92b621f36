"""`python -m trainer.evaluate`: measure a model on the held-out images.

`measure` is what training measures with too, on the validation images. Whether the selection of a
model works is told as numbers that a gate can read: `relevance_valid` and what it is made of.
"""

from __future__ import annotations

import math
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from trainer.config import parse
from trainer.data.dataset import Batch, Split, Textures, load_textures
from trainer.data.vqa_accuracy import vqa_accuracy
from trainer.distributed import choose_device
from trainer.errors import run_program
from trainer.export import check_textures, load_model
from trainer.model.arr_coc import (
    LEVELS,
    TIERS,
    Answers,
    ArrCoc,
    Network,
    Output,
    pyramid_level,
    quality_tier,
    relevance_loss,
    whole_tokens,
)
from trainer.report.pictures import choose_examples, draw_examples, write_picture
from trainer.settings import EvaluateSettings
from trainer.storage import write_metrics
from trainer.vertex import current_context, local_path

ON_TARGET = 0.25  # least relevance of a patch that counts as a target
COLLAPSED = 0.02  # a balance closer than this to 0 or 1 has given up one side of its tension


def main(argv: Sequence[str]) -> int:
    """Write metrics.json; returns the exit code."""
    settings = parse(EvaluateSettings, argv)
    torch.set_num_threads(settings.threads)
    context = current_context(settings.output)
    device = choose_device(settings.device)
    directory = local_path(settings.model)
    model, step = load_model(directory)
    model.to(device)
    data = load_textures(local_path(settings.textures), device)
    check_textures(directory, data)
    metrics = evaluate(model, data.held_out, settings)
    metrics |= cost(model, data)
    metrics |= question_only_baseline(data.train, data.held_out, len(data.answers))
    if isinstance(model, ArrCoc) and settings.pictures:
        count, path = settings.pictures, context.model_dir / "relevance.png"
        write_picture(path, lambda: draw_examples(choose_examples(model, data, count)))
    write_metrics(context.model_dir, metrics, step)
    context.publish()
    print(summary(metrics, len(data.held_out)))
    return 0


def evaluate(model: Network, split: Split, settings: EvaluateSettings) -> dict[str, float]:
    """Every model metric; where the network selects, whether the selection is valid."""
    metrics = measure(model, split, settings.batch)
    metrics["milliseconds_per_image"] = milliseconds_per_image(model, split, settings.batch)
    if isinstance(model, ArrCoc):
        drop = ablation_drop(model, split, settings.batch, metrics["accuracy"])
        metrics["ablation_drop"] = drop
        uncounted = uncountable(split)
        failed = failed_checks(metrics, settings, model.total, uncounted)
        for name in sorted(uncounted):
            print(f"not judged, nothing to count: {name}")
        metrics["relevance_valid"] = float(not failed)
        metrics |= dict.fromkeys(uncounted, math.nan)  # written as null
        print("\n".join(f"relevance check failed: {line}" for line in failed) or "relevance valid")
    return metrics


def cost(model: Network, data: Textures) -> dict[str, float]:
    """Count what an answer costs: the share of pixels that it reads, and its multiply-adds.

    A network that selects reads the coarse image and its fine patches; any other reads all pixels.
    The questions of an image share what does not depend on the question.
    """
    part = data.held_out.batch(torch.arange(1))
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(part.textures, part.tokens, part.question)
    selects = isinstance(model, ArrCoc)
    return {
        "pixels_read": data.pixels_read(model.keep) if selects else 1.0,
        "multiply_adds": counter.get_total_flops() / 2 / part.question.numel(),
    }


def summary(metrics: dict[str, float], images: int) -> str:
    """One line for the log."""
    recall = metrics.get("recall_at_k")
    return (
        f"{images} held-out images: accuracy {metrics['accuracy']:.4f} "
        f"(relational {metrics['relational_accuracy']:.4f}, "
        f"non-relational {metrics['non_relational_accuracy']:.4f}); "
        f"question-only baseline {metrics['baseline_accuracy']:.4f}, "
        f"chance {metrics['chance_accuracy']:.4f}"
    ) + (
        ""
        if recall is None
        else f"; recall@K {recall:.4f}, {metrics['pixels_read']:.1%} of the pixels"
    )


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
class Ratios:
    """Numerators and denominators of metrics, added up over batches."""

    top: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    bottom: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def count(self, name: str, amount: float, out_of: float) -> None:
        """Add to a metric so much out of so much."""
        self.top[name] += amount
        self.bottom[name] += out_of

    def means(self) -> dict[str, float]:
        """Divide; a metric without anything to count is NaN."""
        nan = float("nan")
        return {n: self.top[n] / self.bottom[n] if self.bottom[n] else nan for n in self.top}


@dataclass(slots=True)
class Sums(Ratios):
    """The metrics of a network, added up over batches."""

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
        self.count(name, values.double().sum().item(), out_of)

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
        self._count(
            "relevance_loss", relevance_loss(output.relevance, batch.relevance) * count, count
        )
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
        mean = self.means()
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


def ablation_drop(model: ArrCoc, split: Split, batch: int, accuracy: float) -> float:
    """Accuracy lost when the participatory scorer is silenced in the trained model.

    Without it nothing of the relevance reads the question. Zero or less says that the answers do
    not need the selection to follow the question.
    """
    with silenced(model, "participatory"):
        return accuracy - measure(model, split, batch)["accuracy"]


@contextmanager
def silenced(model: ArrCoc, part: str) -> Iterator[None]:
    """Leave a part of a model without influence for a while."""
    before = model.ablate
    model.ablate = before | {part}
    try:
        yield
    finally:
        model.ablate = before


def uncountable(split: Split) -> set[str]:
    """Metrics for which a split holds nothing: they are null, and no check judges them."""
    relational, relevance = split.tensors["relational"], split.tensors["relevance"]
    lacking = {
        "relational_accuracy": not relational.any(),
        "non_relational_accuracy": bool(relational.all()),
        "recall_at_k": not (relevance >= ON_TARGET * 255).any(),
        "budget_on_target_ratio": not (relevance >= ON_TARGET * 255).any(),
        "relevance_iou": not relevance.any(),
        "query_distinctness": relevance.shape[1] == 1,
    }
    return {name for name, lacks in lacking.items() if lacks}


def failed_checks(
    metrics: Mapping[str, float],
    settings: EvaluateSettings,
    total: int,
    uncounted: Collection[str] = (),
) -> list[str]:
    """Every check of the relevance that does not hold, one line each; `total` is budget_total."""
    metrics = {name: value for name, value in metrics.items() if name not in uncounted}
    lowest = {
        "recall_at_k": settings.least_recall,
        "query_distinctness": settings.least_distinctness,
    }
    failed = [
        f"{name} is {metrics[name]:.4f}, less than {least}"
        for name, least in lowest.items()
        if name in metrics and not metrics[name] >= least
    ]
    failed += [
        f"{name} is {metrics[name]:.4f}, outside ({COLLAPSED}, {1 - COLLAPSED})"
        for name in ("lambda_1", "lambda_2", "lambda_3")
        if not COLLAPSED < metrics[name] < 1 - COLLAPSED
    ]
    failed += [
        f"{name} is {metrics[name]:.4f}, not above 0"
        for name in ("budget_std", "ablation_drop")
        if not metrics[name] > 0
    ]
    if not metrics["budget_most"] <= total:
        failed.append(f"a question has {metrics['budget_most']:.0f} tokens, more than {total}")
    odd = [name for name, value in metrics.items() if not math.isfinite(value)]
    return failed + [f"{name} is {metrics[name]}" for name in odd]


def milliseconds_per_image(model: Network, split: Split, batch: int) -> float:
    """Median time of a forward pass over the batches of a split, divided by the images in it."""
    model.eval()
    took = []
    with torch.inference_mode():
        for first in range(0, len(split), batch):
            part = split.batch(torch.arange(first, min(first + batch, len(split))))
            begun = time.perf_counter()
            model(part.textures, part.tokens, part.question)
            if part.textures.is_cuda:
                torch.cuda.synchronize()
            took.append((time.perf_counter() - begun) / len(part.textures))
    return 1000 * sorted(took)[len(took) // 2]


if __name__ == "__main__":
    sys.exit(run_program(main))
