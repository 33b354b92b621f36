"""Where and how to compute: device, precision, compilation."""

import random
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import torch

from trainer.errors import TrainerError
from trainer.model import ArrCoc, Output
from trainer.settings import TrainSettings


def prepare(settings: TrainSettings) -> torch.device:
    """Fix threads, seeds and determinism; refuse what is missing before any data is read."""
    torch.set_num_threads(settings.threads)
    torch.set_flush_denormal(True)
    random.seed(settings.seed)
    np.random.seed(settings.seed)  # noqa: NPY002 - the generator that libraries draw from
    torch.manual_seed(settings.seed)
    device = choose_device(settings.device)
    if device.type == "cuda" and settings.precision == "bfloat16":
        check_bfloat16()
    return device


def choose_device(name: str) -> torch.device:
    """Return the device asked for; `auto` takes CUDA where there is one."""
    present = torch.cuda.is_available()
    if name == "cuda" and not present:
        raise TrainerError("--device=cuda was asked for, but no CUDA device is visible")
    return torch.device("cuda" if present and name != "cpu" else "cpu")


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


def callable_network(model: ArrCoc, settings: TrainSettings) -> Callable[..., Output]:
    """Return what a step calls. Compiled or not, the parameters and their names are the model's."""
    if not settings.compile:
        return model
    if not (torch.cuda.is_available() or any(map(shutil.which, ("c++", "g++", "clang++")))):
        raise TrainerError("--compile=true needs a C++ compiler on the path")
    compiled: Callable[..., Output] = torch.compile(model, dynamic=False)
    return compiled
