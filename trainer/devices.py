"""Where and how to compute: device, precision, compilation."""

import random
from contextlib import AbstractContextManager

import numpy as np
import torch

from trainer.errors import TrainerError
from trainer.settings import TrainSettings
from trainer.vertex import ALONE, Process
from trainer.vlm.settings import VlmSettings


def prepare(settings: TrainSettings | VlmSettings, process: Process = ALONE) -> torch.device:
    """Fix threads, seeds and determinism; refuse what is missing before any data is read."""
    torch.set_num_threads(settings.threads)
    torch.set_flush_denormal(True)
    random.seed(settings.seed)
    np.random.seed(settings.seed)  # noqa: NPY002 - the generator that libraries draw from
    torch.manual_seed(settings.seed)
    device = choose_device(settings.device, process.local_rank)
    if device.type == "cuda" and settings.precision == "bfloat16":
        check_bfloat16()
    return device


def choose_device(name: str, number: int = 0) -> torch.device:
    """Return the device asked for; `auto` takes CUDA where there is one. One process, one GPU."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise TrainerError("--device=cuda was asked for, but no CUDA device is visible")
    if present and name != "cpu" and number >= torch.cuda.device_count():
        raise TrainerError(f"process {number} of this machine finds no GPU of its own")
    return torch.device("cuda", number) if present and name != "cpu" else torch.device("cpu")


def check_bfloat16() -> None:
    """Refuse a GPU that would only emulate bfloat16."""
    if not torch.cuda.is_bf16_supported(including_emulation=False):
        name = torch.cuda.get_device_name()
        raise TrainerError(f"{name} has no bfloat16; use --precision=float32")


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Compute matrix products in bfloat16, or everything in float32.

    bfloat16 has the exponent of float32: gradients do not underflow, so no scaler is needed.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
