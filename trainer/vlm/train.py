"""Train the selection in front of a frozen Qwen3-VL, with the loop of the compact model."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors

from trainer import __version__, secrets
from trainer.config import parse
from trainer.devices import prepare
from trainer.errors import TrainerError
from trainer.files import (
    SCHEMA_VERSION,
    check_model,
    read_json,
    sha256,
    write_bytes,
    write_json,
    write_manifest,
    write_metrics,
)
from trainer.metrics import MetricsLog
from trainer.objective import Loss
from trainer.parallel import Wrapped, make_optimizer
from trainer.run import Run
from trainer.settings import SelectionSettings
from trainer.signals import StopRequest
from trainer.team import Team
from trainer.train import HARMLESS, finished_before, train_and_finish
from trainer.vertex import RunContext, local_path, read_context
from trainer.vlm.backbone import Backbone
from trainer.vlm.data import Pairs, all_pairs, read_shards
from trainer.vlm.measure import measure
from trainer.vlm.prompts import Prompts
from trainer.vlm.reader import Reader
from trainer.vlm.selector import Selector
from trainer.vlm.settings import ReadingSettings, VlmSettings

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
    if context.cluster.world > 1:
        raise TrainerError(f"trainer.vlm trains on one machine, not {context.cluster.world}")
    device = prepare(settings)
    secrets.load(os.environ)
    run = assemble(settings, context, device, stop)
    run.started = started
    if finished_before(run, lambda _: None):  # there is no stage before it
        return 0
    return train_and_finish(run, lambda: finish(run))


def assemble(
    settings: VlmSettings, context: RunContext, device: torch.device, stop: StopRequest
) -> VlmRun:
    """Read data and backbone, build selector and optimizer."""
    data = read_shards(local_path(settings.data))
    records = data.train[: settings.limit]
    if len(records) < 2:  # noqa: PLR2004 - one to train on, one to validate on
        raise TrainerError("training needs at least two images")
    count = min(max(round(len(records) * settings.validation), 1), len(records) - 1)
    held = {number * len(records) // count for number in range(count)}
    reader = make_reader(settings, settings, device)
    grid = reader.backbone.shape.grid
    training, validation = (
        all_pairs([r for n, r in enumerate(records) if (n in held) is wanted], settings.side, grid)
        for wanted in (False, True)
    )
    spread = range(0, len(training), max(1, len(training) // CALIBRATION))
    reader.selector.calibrate(training.batch(spread).textures.to(device))
    optimizer = make_optimizer(reader.selector, settings)
    identity = settings.model_dump(exclude=HARMLESS | {"backbone"})
    identity |= {"data": data.digest, "backbone": fingerprint(local_path(settings.backbone))}
    log = MetricsLog(context.model_dir / "metrics.jsonl", context.log_dir)
    model = reader.selector
    wrapped = Wrapped(model, model, Team())
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


def make_reader(
    settings: ReadingSettings, selection: SelectionSettings, device: torch.device
) -> Reader:
    """Load a backbone and put a fresh selector in front of it."""
    directory = local_path(settings.backbone)
    precision: torch.dtype = getattr(torch, settings.precision)
    backbone = Backbone(directory, settings.side, device, precision)
    tokens = backbone.shape.grid**2
    prompts = Prompts(directory, backbone.image_token, tokens)
    return Reader(Selector(selection, backbone.hidden, tokens).to(device), backbone, prompts)


def fingerprint(directory: Path) -> dict[str, str]:
    """Sha256 of everything that makes a backbone: configuration, weights, tokenizer."""
    kinds = {".json", ".safetensors", ".jinja", ".txt"}
    found = sorted(path for path in directory.iterdir() if path.suffix in kinds)
    return {path.name: sha256(path) for path in found}


def finish(run: VlmRun) -> None:
    """Write the model directory; metrics.json comes last."""
    directory = run.context.model_dir
    metrics = {f"val_{name}": value for name, value in run.measured().items()}
    metrics["loss"] = run.loss
    tensors = {name: value.cpu().contiguous() for name, value in run.model.state_dict().items()}
    write_bytes(directory / "model.safetensors", save_tensors(tensors))
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
        "versions": {
            "trainer": __version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "python": platform.python_version(),
        },
    }


def load_selector(
    directory: Path, settings: ReadingSettings, device: torch.device
) -> tuple[Reader, int]:
    """Put a trained selector in front of a backbone; returns it with the step it was trained to.

    Another backbone than the selector was trained with is refused, and so is another `side`.
    """
    check_model(directory)
    document = read_json(directory / "config.json")
    try:
        made = document["settings"]
        fields = {name: made[name] for name in SelectionSettings.model_fields}
        selection = SelectionSettings.model_validate(fields)
        _same("side", made["side"], settings.side)
        _same("backbone", document["backbone"], fingerprint(local_path(settings.backbone)))
        reader = make_reader(settings, selection, device)
        reader.selector.load_state_dict(load_file(directory / "model.safetensors"))
        step = int(document["step"])
    except (OSError, ValueError, KeyError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainerError(f"no usable selector at {directory}: {reason}") from None
    return reader, step


def _same(name: str, then: object, now: object) -> None:
    if then != now:
        raise TrainerError(f"the selector was trained with another {name}")
