"""The model directory: weights, configuration, card; and a model read back from it."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors
from torch import Tensor

from trainer import __version__
from trainer.data.dataset import Textures
from trainer.errors import TrainerError
from trainer.model.arr_coc import Network, Sizes
from trainer.model.baselines import build
from trainer.report.pictures import draw_curves, read_series, write_picture
from trainer.settings import ModelSettings, TrainSettings
from trainer.storage import (
    SCHEMA_VERSION,
    check_model,
    read_json,
    write_bytes,
    write_json,
    write_manifest,
)


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run, as far as its model directory tells of it."""

    settings: TrainSettings
    step: int
    network: Network
    weights: dict[str, Tensor]  # whole ones, also where the network is sharded
    textures: Textures
    images: tuple[int, int]  # for training and for validation
    metrics: dict[str, float]

    @property
    def title(self) -> str:
        """Name the run: its network, stage and seed."""
        return f"{self.settings.network}, stage {self.settings.stage}, seed {self.settings.seed}"


def write_model(directory: Path, found: Trained) -> None:
    """Write everything but the metrics; metrics.jsonl is there already, the manifest comes last."""
    write_weights(directory, found.weights)
    write_json(directory / "config.json", model_config(found))
    write_bytes(directory / "model_card.md", model_card(found).encode())
    names = ["model.safetensors", "config.json", "model_card.md", "metrics.jsonl"]
    log = directory / "metrics.jsonl"
    if write_picture(directory / "curves.png", lambda: draw_curves(read_series(log), found.title)):
        names.append("curves.png")
    write_manifest(directory, names)


def write_weights(directory: Path, weights: dict[str, Tensor]) -> None:
    """Write model.safetensors."""
    tensors = {name: value.cpu().contiguous() for name, value in weights.items()}
    write_bytes(directory / "model.safetensors", save_tensors(tensors))


def model_config(found: Trained) -> dict[str, Any]:
    """Collect the resolved settings, what inputs and outputs mean, and the versions in use."""
    return {
        "schema_version": SCHEMA_VERSION,
        "settings": found.settings.model_dump(by_alias=True),
        "step": found.step,
        "grid": found.textures.grid,
        "coarse": found.textures.coarse,
        "words": found.textures.words,
        "answers": found.textures.answers,
        "data": found.textures.digest,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of what made a model."""
    return {
        "trainer": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def model_card(found: Trained) -> str:
    """Write a short model card in Markdown."""
    settings = found.settings
    rows = "".join(f"| {name} | {value:.4f} |\n" for name, value in sorted(found.metrics.items()))
    count = sum(p.numel() for p in found.network.parameters())
    training, validation = found.images
    return (
        f"# {settings.network}\n\n{found.network.summary}\n\n"
        f"- Stage: {settings.stage}; seed {settings.seed}; {found.step} steps\n"
        f"- Parameters: {count:,}\n"
        f"- Training images: {training}; validation images: {validation}\n"
        f"- Training data sha256: {found.textures.digest}\n\n"
        "| Validation metric | Value |\n|---|---|\n" + rows
    )


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


def check_textures(directory: Path, textures: Textures) -> None:
    """Raise TrainerError where a number of the textures means something else to the model."""
    config = read_json(directory / "config.json")
    for name in ("grid", "coarse", "words", "answers"):
        own = getattr(textures, name)
        if config.get(name, own) != own:
            raise TrainerError(
                f"the model at {directory} was trained on textures with other {name!r} than these: "
                "measure it on held-out images written beside its training images"
            )
