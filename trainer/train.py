"""One training stage from settings to model directory."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors

from trainer import __version__, secrets
from trainer.builtin import textures_directory
from trainer.config import parse
from trainer.curves import draw_curves, read_series
from trainer.dataset import Split, Textures, hold_out, load_textures
from trainer.errors import TIME_IS_UP, TrainerError
from trainer.files import (
    SCHEMA_VERSION,
    check_model,
    damaged_files,
    read_json,
    write_bytes,
    write_json,
    write_manifest,
    write_metrics,
)
from trainer.loop import Run, resume, train
from trainer.metrics import MetricsLog
from trainer.models import build
from trainer.network import Network, Sizes
from trainer.settings import ModelSettings, TrainSettings
from trainer.signals import EXIT, StopRequest
from trainer.vertex import RunContext, local_path, read_context
from trainer.vlm.settings import VlmSettings

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
    settings = parse(TrainSettings, argv)
    stop = StopRequest().install()
    context = read_context(os.environ, settings.output)
    if context.cluster.world > 1:
        raise TrainerError(f"this version trains on one machine, not {context.cluster.world}")
    device = prepare(settings)
    secrets.load(os.environ)
    data = read_data(settings, context, device)
    run = assemble(settings, context, data, stop)
    if finished_before(run):
        return 0
    if not train(run):
        print(f"stopped at step {run.step} of {run.planned}, checkpoint saved", flush=True)
        return EXIT if run.stop.asked else TIME_IS_UP
    finish(run, data.textures)
    return 0


def finished_before(run: Run) -> bool:
    """Resume a run or start it; True where a finished one left nothing to do."""
    if resume(run):
        print(f"resumed at step {run.step} of {run.planned}", flush=True)
    else:
        start_from(run.model, run.settings)
    directory = run.context.model_dir
    if run.done and outputs_whole(directory):
        print(f"finished before: the model is in {directory}")
        return True
    (directory / "metrics.json").unlink(missing_ok=True)  # no gate may read an old one
    run.log.truncate(run.step)
    return False


def outputs_whole(directory: Path) -> bool:
    """Whether a finished run left all its outputs behind, undamaged."""
    try:
        files = read_json(directory / "manifest.json")["files"]
        complete = read_json(directory / "metrics.json")["complete"]
    except (TrainerError, KeyError):
        return False
    return bool(complete) and not damaged_files(directory, files)


def prepare(settings: TrainSettings | VlmSettings) -> torch.device:
    """Fix threads, seeds and determinism; refuse a missing GPU before any data is read."""
    torch.set_num_threads(settings.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(settings.seed)
    return choose_device(settings.device)


def choose_device(name: str) -> torch.device:
    """Return the device asked for; `auto` takes CUDA where there is one."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise TrainerError("--device=cuda was asked for, but no CUDA device is visible")
    return torch.device("cuda" if present and name != "cpu" else "cpu")


def read_data(settings: TrainSettings, context: RunContext, device: torch.device) -> Data:
    """Read the textures and part them into what is trained on and what is held for validation."""
    textures = load_textures(textures_directory(settings.textures, context), device)
    return Data(textures, *hold_out(textures.train.first(settings.limit), settings.validation))


def assemble(settings: TrainSettings, context: RunContext, source: Data, stop: StopRequest) -> Run:
    """Build model and optimizer, on the device of the data."""
    data, training, validation = source
    sizes = Sizes(data.grid, len(data.words), len(data.answers))
    model = build(settings, sizes).to(training.tensors["textures"].device)
    model.encoder.calibrate(training.tensors["textures"])
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    identity = settings.model_dump(exclude=HARMLESS) | {"data": data.digest}
    log = MetricsLog(context.model_dir / "metrics.jsonl")
    return Run(settings, context, model, optimizer, training, validation, log, stop, identity)


def start_from(model: Network, settings: TrainSettings) -> None:
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


def finish(run: Run, data: Textures) -> None:
    """Write the model directory; metrics.json comes last."""
    directory = run.context.model_dir
    metrics = final_metrics(run)
    write_model(directory, run.model, model_config(run, data))
    write_bytes(directory / "model_card.md", model_card(run, metrics).encode())
    for name, value in metrics.items():
        run.log.add(run.step, "final", name, value)
    run.log.flush()
    write_bytes(directory / "curves.png", draw_curves(read_series(run.log.path), title(run)))
    names = ["model.safetensors", "config.json", "model_card.md", "metrics.jsonl", "curves.png"]
    write_manifest(directory, names)
    write_metrics(directory, metrics, run.step)
    name = f"val_{run.headline}"
    print(f"finished: {name} {metrics[name]:.4f}, model in {directory}")


def title(run: Run) -> str:
    """Name a run: its network, stage and seed."""
    return f"{run.settings.network}, stage {run.settings.stage}, seed {run.settings.seed}"


def final_metrics(run: Run) -> dict[str, float]:
    """Measure on the validation images (names start with val_); add the last training loss."""
    return {f"val_{name}": value for name, value in run.measured().items()} | {"loss": run.loss}


def write_model(directory: Path, model: Network, config: dict[str, Any]) -> None:
    """Weights and configuration: all that is needed to rebuild the model."""
    tensors = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
    write_bytes(directory / "model.safetensors", save_tensors(tensors))
    write_json(directory / "config.json", config)


def model_config(run: Run, data: Textures) -> dict[str, Any]:
    """Collect the resolved settings, what inputs and outputs mean, and the versions in use."""
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": run.settings.model_dump(by_alias=True),
        "step": run.step,
        "grid": data.grid,
        "words": data.words,
        "answers": data.answers,
        "data": data.digest,
        "versions": {
            "trainer": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def load_model(directory: Path) -> tuple[Network, int]:
    """Rebuild a model from its directory; returns it with the step it was trained to."""
    check_model(directory)
    config = read_json(directory / "config.json")
    try:
        sizes = Sizes(config["grid"], len(config["words"]), len(config["answers"]))
        fields = {name: config["settings"][name] for name in ModelSettings.model_fields}
        model = build(ModelSettings.model_validate(fields), sizes)
        model.load_state_dict(load_file(directory / "model.safetensors"))
    except (OSError, ValueError, KeyError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainerError(f"no usable model at {directory}: {reason}") from None
    return model, config["step"]


def model_card(run: Run, metrics: dict[str, float]) -> str:
    """Write a short model card in Markdown."""
    rows = "".join(f"| {name} | {value:.4f} |\n" for name, value in sorted(metrics.items()))
    count = sum(p.numel() for p in run.model.parameters())
    return (
        f"# {run.settings.network}\n\n{run.model.summary}\n\n"
        f"- Stage: {run.settings.stage}; seed {run.settings.seed}; {run.step} steps\n"
        f"- Parameters: {count:,}\n"
        f"- Training images: {len(run.train)}; validation images: {len(run.validation)}\n"
        f"- Training data sha256: {run.identity['data']}\n\n"
        "| Validation metric | Value |\n|---|---|\n" + rows
    )
