"""Relevance validation: whether a model's selection works, as numbers that a gate can read."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from trainer.dataset import Split
from trainer.measure import measure
from trainer.model import ArrCoc
from trainer.network import Network
from trainer.settings import EvaluateSettings

COLLAPSED = 0.02  # a balance closer than this to 0 or 1 has given up one side of its tension


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


def failed_checks(
    metrics: Mapping[str, float], settings: EvaluateSettings, total: int
) -> list[str]:
    """Every check of the relevance that does not hold, one line each; `total` is budget_total."""
    lowest = {
        "recall_at_k": settings.least_recall,
        "query_distinctness": settings.least_distinctness,
    }
    failed = [
        f"{name} is {metrics[name]:.4f}, less than {least}"
        for name, least in lowest.items()
        if not metrics[name] >= least
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
