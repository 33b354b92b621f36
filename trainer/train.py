"""One training stage from settings to model directory."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from trainer import secrets
from trainer.builtin import textures_directory
from trainer.config import parse
from trainer.dataset import Split, Textures, hold_out, load_textures
from trainer.devices import prepare
from trainer.errors import TIME_IS_UP, TrainerError
from trainer.export import finish
from trainer.files import check_model, damaged_files, read_json
from trainer.launch import launch
from trainer.loop import train
from trainer.metrics import MetricsLog
from trainer.models import build
from trainer.network import Sizes
from trainer.parallel import load_weights, make_optimizer, spread
from trainer.run import Run
from trainer.settings import TrainSettings
from trainer.signals import EXIT, StopRequest
from trainer.snapshot import resume
from trainer.team import Team, seed_rank, together
from trainer.vertex import RunContext, local_path, read_context

# Settings that may change between a run and its resumption without changing a number.
HARMLESS = {
    "output", "textures", "device", "checkpoint_every", "keep_checkpoints", "log_every", "mtbi",
    "max_seconds",
}  # fmt: skip


class Data(NamedTuple):
    """The textures, and their training images parted in two."""

    textures: Textures
    train: Split
    validation: Split


def main(argv: Sequence[str]) -> int:
    """Train one stage, or resume it; returns the exit code."""
    settings, started = parse(TrainSettings, argv), time.monotonic()
    context = read_context(os.environ, settings.output)
    code = launch(settings, context, argv)
    if code is not None:
        return code
    stop = StopRequest().install()
    device = prepare(settings, context.process)
    secrets.load(os.environ)
    with together(context.process, device) as team:
        data = team.in_turns(lambda: read_data(settings, context, device))
        run = assemble(settings, context, data, stop, team)
        run.started = started
        if finished_before(run, start_from):
            return 0
        return train_and_finish(run, lambda: finish(run, data.textures))


def finished_before(run: Run, start: Callable[[Run], None]) -> bool:
    """Resume a run or start it; True where a finished one left nothing to do."""
    context, team = run.context, run.team
    if team.leads:
        context.fetch()
    if resume(run):
        run.say(f"resumed at step {run.step} of {run.planned}")
    else:
        start(run)
    if team.follow(run.done and outputs_whole(context.model_dir)):
        run.say(f"finished before: the model is in {context.model_address}")
        return True
    if team.leads:
        context.withdraw("metrics.json")  # no gate may read an old one
    run.log.truncate(run.step)
    return False


def train_and_finish(run: Run, write_model: Callable[[], None]) -> int:
    """Take all steps that are left, then write the model; returns the exit code."""
    try:
        if train(run):
            write_model()
            return 0
        run.say(f"stopped at step {run.step} of {run.planned}, checkpoint saved")
        return EXIT if run.team.any(run.stop.asked)[0] else TIME_IS_UP
    finally:
        run.log.close()


def outputs_whole(directory: Path) -> bool:
    """Whether a finished run left all its outputs behind, undamaged."""
    try:
        files = read_json(directory / "manifest.json")["files"]
        complete = read_json(directory / "metrics.json")["complete"]
    except (TrainerError, KeyError):
        return False
    return bool(complete) and not damaged_files(directory, files)


def read_data(settings: TrainSettings, context: RunContext, device: torch.device) -> Data:
    """Read the textures and part them into what is trained on and what is held for validation."""
    textures = load_textures(textures_directory(settings.textures, context), device)
    return Data(textures, *hold_out(textures.train.first(settings.limit), settings.validation))


def assemble(
    settings: TrainSettings,
    context: RunContext,
    source: Data,
    stop: StopRequest,
    team: Team = Team(),  # noqa: B008 - it cannot change
) -> Run:
    """Build model and optimizer, on the device of the data."""
    data, training, validation = source
    sizes = Sizes(data.grid, len(data.words), len(data.answers))
    model = build(settings, sizes).to(training.tensors["textures"].device)
    model.encoder.calibrate(training.tensors["textures"])
    wrapped = spread(model, settings, team)
    seed_rank(team, settings.seed)
    optimizer = make_optimizer(model, settings)
    identity = settings.model_dump(exclude=HARMLESS) | {"data": data.digest}
    identity["processes"] = team.world
    leading = (context.model_dir / "metrics.jsonl", context.log_dir)
    log = MetricsLog(*leading) if team.leads else MetricsLog(None)
    return Run(
        settings, context, model, wrapped, optimizer, training, validation, log, stop, identity
    )


def start_from(run: Run) -> None:
    """Load the weights of a previous stage, when `from` names one."""
    if run.settings.from_ is None:
        return
    path = local_path(run.settings.from_) / "model.safetensors"
    check_model(path.parent)
    try:
        load_weights(run.model, load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise TrainerError(f"cannot start from {path}: {reason}") from None
    run.say(f"started from {path}")
