"""One training stage from settings to model directory."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from trainer import secrets
from trainer.builtin import textures_directory
from trainer.config import parse
from trainer.dataset import Textures, hold_out, load_textures
from trainer.devices import callable_network, prepare
from trainer.errors import TIME_IS_UP, TrainerError
from trainer.export import finish
from trainer.files import check_model, damaged_files, read_json
from trainer.loop import train
from trainer.metrics import MetricsLog
from trainer.model import ArrCoc, Sizes
from trainer.run import Run
from trainer.settings import TrainSettings
from trainer.signals import EXIT, StopRequest
from trainer.snapshot import resume
from trainer.vertex import RunContext, local_path, read_context

# Settings that may change between a run and its resumption without changing a number.
HARMLESS = {
    "output", "textures", "device", "checkpoint_every", "keep_checkpoints", "log_every", "mtbi",
    "max_seconds",
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Train one stage, or resume it; returns the exit code."""
    settings = parse(TrainSettings, argv)
    stop = StopRequest().install()
    context = read_context(os.environ, settings.output)
    if context.cluster.world > 1:
        raise TrainerError(f"this version trains on one machine, not {context.cluster.world}")
    device = prepare(settings)
    secrets.load(os.environ)
    run, data = assemble(settings, context, device, stop)
    if resume(run):
        print(f"resumed at step {run.step} of {run.planned}", flush=True)
    else:
        start_from(run.model, settings)
    if run.done and outputs_whole(context.model_dir):
        print(f"finished before: the model is in {context.model_dir}")
        return 0
    (context.model_dir / "metrics.json").unlink(missing_ok=True)  # no gate may read an old one
    run.log.truncate(run.step)
    if not train(run):
        print(f"stopped at step {run.step} of {run.planned}, checkpoint saved", flush=True)
        return EXIT if run.stop.asked else TIME_IS_UP
    finish(run, data)
    return 0


def outputs_whole(directory: Path) -> bool:
    """Whether a finished run left all its outputs behind, undamaged."""
    try:
        files = read_json(directory / "manifest.json")["files"]
        complete = read_json(directory / "metrics.json")["complete"]
    except (TrainerError, KeyError):
        return False
    return bool(complete) and not damaged_files(directory, files)


def assemble(
    settings: TrainSettings, context: RunContext, device: torch.device, stop: StopRequest
) -> tuple[Run, Textures]:
    """Read the data and build model and optimizer."""
    data = load_textures(textures_directory(settings.textures, context), device)
    training, validation = hold_out(data.train.first(settings.limit), settings.validation)
    sizes = Sizes(data.grid, len(data.words), len(data.answers))
    model = ArrCoc(settings, sizes).to(device)
    model.encoder.calibrate(training.tensors["textures"])
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    network = callable_network(model, settings)
    identity = settings.model_dump(exclude=HARMLESS) | {"data": data.digest}
    log = MetricsLog(context.model_dir / "metrics.jsonl")
    run = Run(
        settings, context, model, network, optimizer, training, validation, log, stop, identity
    )
    return run, data


def start_from(model: ArrCoc, settings: TrainSettings) -> None:
    """Load the weights of a previous stage, when `from` names one."""
    if settings.from_ is None:
        return
    path = local_path(settings.from_) / "model.safetensors"
    check_model(path.parent)
    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise TrainerError(f"cannot start from {path}: {reason}") from None
    print(f"started from {path}", flush=True)
