"""`python -m trainer.vlm.evaluate`: VQA accuracy of a trained selection on the held-out images."""

import sys
from collections.abc import Sequence

import torch

from trainer.config import parse
from trainer.devices import choose_device
from trainer.errors import run_program
from trainer.files import write_metrics
from trainer.vertex import current_context, local_path
from trainer.vlm.__main__ import need_transformers
from trainer.vlm.data import all_pairs, read_shards
from trainer.vlm.measure import measure
from trainer.vlm.settings import VlmEvaluateSettings
from trainer.vlm.train import load_selector


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


if __name__ == "__main__":
    sys.exit(run_program(main))
