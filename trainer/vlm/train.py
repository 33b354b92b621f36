"""Train the selection in front of a frozen Qwen3-VL, with the loop of the compact model."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from trainer.config import parse
from trainer.data.dataset import held_images
from trainer.data.exchange import pictures
from trainer.distributed import ProcessGroup, Wrapped, make_optimizer, prepare
from trainer.errors import TrainerError
from trainer.export import versions, write_weights
from trainer.report.metrics import MetricsLog
from trainer.settings import VlmSettings
from trainer.storage import (
    SCHEMA_VERSION,
    write_json,
    write_manifest,
    write_metrics,
)
from trainer.train import HARMLESS, Loss, Run, finished_before, load_export, train_and_finish
from trainer.vertex import RunContext, StopRequest, load_secrets, local_path, read_context
from trainer.vlm.data import Pairs, all_pairs, read_shards
from trainer.vlm.evaluate import measure
from trainer.vlm.model import Reader, Selector, fingerprint, make_reader

CALIBRATION = 64  # pairs whose textures give mean and deviation


@dataclass(slots=True)
class VlmRun(Run):
    """A run whose network is a selector and a backbone, and whose samples are questions."""

    settings: VlmSettings  # type: ignore[assignment]
    model: Selector  # type: ignore[assignment]
    train: Pairs  # type: ignore[assignment]
    validation: Pairs  # type: ignore[assignment]
    reader: Reader = field(kw_only=True)

    @property
    def headline(self) -> str:
        """The metric that tells checkpoints and trials apart."""
        return "vqa_accuracy"

    def losses(self, images: torch.Tensor) -> Loss:
        """Losses of the training questions of an index tensor."""
        return self.reader.losses(self.train.batch(images.tolist()), self.settings)

    def measured(self) -> dict[str, float]:
        """Metrics on the questions of the validation images."""
        settings = self.settings
        return measure(self.reader, self.validation, settings.batch, settings.longest)


def main(argv: Sequence[str]) -> int:
    """Train, or resume; returns the exit code."""
    settings, started = parse(VlmSettings, argv), time.monotonic()
    stop = StopRequest().install()
    context = read_context(os.environ, settings.output)
    if context.cluster.machines > 1:
        raise TrainerError(f"trainer.vlm trains on one machine, not {context.cluster.machines}")
    device = prepare(settings)
    load_secrets(os.environ)
    run = assemble(settings, context, device, stop)
    run.started = started
    if finished_before(run, lambda _: None):  # a stage before it does not exist
        return 0
    return train_and_finish(run, lambda: finish(run))


def assemble(
    settings: VlmSettings, context: RunContext, device: torch.device, stop: StopRequest
) -> VlmRun:
    """Read data and backbone, build selector and optimizer."""
    data = read_shards(local_path(settings.data))
    records = data.train[: settings.limit]
    held = held_images(pictures(records), settings.validation).tolist()
    reader = make_reader(settings, settings, device)
    grid = reader.backbone.shape.grid
    training, validation = (
        all_pairs(
            [r for r, is_held in zip(records, held, strict=True) if is_held is wanted],
            settings.side,
            grid,
        )
        for wanted in (False, True)
    )
    spread = range(0, len(training), max(1, len(training) // CALIBRATION))
    reader.selector.calibrate(training.batch(spread).textures.to(device))
    optimizer = make_optimizer(reader.selector, settings)
    identity = settings.model_dump(exclude=HARMLESS | {"backbone"})
    identity |= {"data": data.digest, "backbone": fingerprint(local_path(settings.backbone))}
    log = MetricsLog(context.model_dir / "metrics.jsonl", context.log_dir)
    model = reader.selector
    wrapped = Wrapped(model, model, ProcessGroup())
    return VlmRun(
        settings,
        context,
        model,
        wrapped,
        optimizer,
        training,
        validation,
        log,
        stop,
        identity,
        reader=reader,
    )


def finish(run: VlmRun) -> None:
    """Write the model directory; metrics.json comes last."""
    run.step, loss = load_export(run)
    directory = run.context.model_dir
    metrics = {f"val_{name}": value for name, value in run.measured().items()} | {"loss": loss}
    write_weights(directory, run.model.state_dict())
    write_json(directory / "config.json", config(run))
    for name, value in metrics.items():
        run.log.add(run.step, "final", name, value)
    run.log.flush()
    write_manifest(directory, ["model.safetensors", "config.json", "metrics.jsonl"])
    write_metrics(directory, metrics, run.step)
    run.context.publish()
    accuracy = metrics["val_vqa_accuracy"]
    print(f"finished: val_vqa_accuracy {accuracy:.4f}, model in {run.context.model_address}")


def config(run: VlmRun) -> dict[str, Any]:
    """Collect the resolved settings, what was trained on and the versions in use."""
    import transformers

    return {
        "schema_version": SCHEMA_VERSION,
        "settings": run.settings.model_dump(),
        "step": run.step,
        "data": run.identity["data"],
        "backbone": run.identity["backbone"],
        "versions": versions() | {"transformers": transformers.__version__},
    }
