"""`python -m trainer.evaluate`: measure a model on the held-out images."""

import sys
from collections.abc import Sequence

import torch

from trainer.config import parse
from trainer.dataset import Split, load_textures
from trainer.devices import choose_device
from trainer.errors import run_program
from trainer.export import load_model
from trainer.files import write_bytes, write_metrics
from trainer.maps import choose_examples, draw_maps
from trainer.measure import measure, question_only_baseline
from trainer.model import ArrCoc
from trainer.network import Network
from trainer.settings import EvaluateSettings
from trainer.validity import ablation_drop, failed_checks, milliseconds_per_image
from trainer.vertex import current_context, local_path


def main(argv: Sequence[str]) -> int:
    """Write metrics.json; returns the exit code."""
    settings = parse(EvaluateSettings, argv)
    torch.set_num_threads(settings.threads)
    context = current_context(settings.output)
    device = choose_device(settings.device)
    model, step = load_model(local_path(settings.model))
    model.to(device)
    data = load_textures(local_path(settings.textures), device)
    metrics = evaluate(model, data.held_out, settings)
    metrics |= question_only_baseline(data.train, data.held_out, len(data.answers))
    if isinstance(model, ArrCoc) and settings.pictures:
        examples = choose_examples(model, data, settings.pictures)
        write_bytes(context.model_dir / "relevance.png", draw_maps(examples))
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
        failed = failed_checks(metrics, settings, model.total)
        metrics["relevance_valid"] = float(not failed)
        print("\n".join(f"relevance check failed: {line}" for line in failed) or "relevance valid")
    return metrics


def summary(metrics: dict[str, float], images: int) -> str:
    """One line for the log."""
    recall = metrics.get("recall_at_k")
    return (
        f"{images} held-out images: accuracy {metrics['accuracy']:.4f} "
        f"(relational {metrics['relational_accuracy']:.4f}, "
        f"non-relational {metrics['non_relational_accuracy']:.4f}); "
        f"question-only baseline {metrics['baseline_accuracy']:.4f}, "
        f"chance {metrics['chance_accuracy']:.4f}"
    ) + ("" if recall is None else f"; recall@K {recall:.4f}")


if __name__ == "__main__":
    sys.exit(run_program(main))
