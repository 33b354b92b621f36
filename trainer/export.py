"""The model directory: weights, configuration, card, metrics; and a model read back from it."""

import platform
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor

from trainer import __version__
from trainer.curves import draw_curves, read_series
from trainer.dataset import Textures
from trainer.errors import TrainerError
from trainer.files import (
    SCHEMA_VERSION,
    check_model,
    read_json,
    write_bytes,
    write_json,
    write_manifest,
    write_metrics,
)
from trainer.models import build
from trainer.network import Network, Sizes
from trainer.parallel import full_weights
from trainer.run import Run
from trainer.settings import ModelSettings


def finish(run: Run, data: Textures) -> None:
    """Write the model directory; metrics.json comes last."""
    directory = run.context.model_dir
    metrics, weights = final_metrics(run), full_weights(run.model)
    if not run.team.leads:
        return
    write_model(directory, weights, model_config(run, data))
    write_bytes(directory / "model_card.md", model_card(run, metrics).encode())
    for name, value in metrics.items():
        run.log.add(run.step, "final", name, value)
    run.log.flush()
    noted = directory / "metrics.jsonl"
    write_bytes(directory / "curves.png", draw_curves(read_series(noted), title(run)))
    names = ["model.safetensors", "config.json", "model_card.md", "metrics.jsonl", "curves.png"]
    write_manifest(directory, names)
    write_metrics(directory, metrics, run.step)
    run.context.publish()
    name = f"val_{run.headline}"
    print(f"finished: {name} {metrics[name]:.4f}, model in {run.context.model_address}")


def title(run: Run) -> str:
    """Name a run: its network, stage and seed."""
    return f"{run.settings.network}, stage {run.settings.stage}, seed {run.settings.seed}"


def final_metrics(run: Run) -> dict[str, float]:
    """Measure on the validation images (names start with val_); add the last training loss."""
    return {f"val_{name}": value for name, value in run.measured().items()} | {"loss": run.loss}


def write_model(directory: Path, weights: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Weights and configuration: all that is needed to rebuild the model."""
    tensors = {name: value.cpu().contiguous() for name, value in weights.items()}
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
