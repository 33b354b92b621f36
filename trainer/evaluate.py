"""`python -m trainer.evaluate`: measure a model on the held-out images."""

import sys
from collections.abc import Sequence

import torch

from trainer.config import parse
from trainer.dataset import load_textures
from trainer.devices import choose_device
from trainer.errors import run_program
from trainer.export import load_model
from trainer.files import write_metrics
from trainer.measure import measure, question_only_baseline
from trainer.settings import EvaluateSettings
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
    metrics = measure(model, data.held_out, settings.batch)
    metrics |= question_only_baseline(data.train, data.held_out, len(data.answers))
    write_metrics(context.model_dir, metrics, step)
    context.publish()
    print(summary(metrics, len(data.held_out)))
    return 0


def summary(metrics: dict[str, float], images: int) -> str:
    """One line for the log."""
    return (
        f"{images} held-out images: accuracy {metrics['accuracy']:.4f} "
        f"(relational {metrics['relational_accuracy']:.4f}, "
        f"non-relational {metrics['non_relational_accuracy']:.4f}); "
        f"question-only baseline {metrics['baseline_accuracy']:.4f}, "
        f"chance {metrics['chance_accuracy']:.4f}; recall@K {metrics['recall_at_k']:.4f}"
    )


if __name__ == "__main__":
    sys.exit(run_program(main))
