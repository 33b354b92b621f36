"""Where and how to compute: device, precision, compilation."""

import os
import random
import shutil
from contextlib import AbstractContextManager

import numpy as np
import torch

from trainer.errors import TrainerError
from trainer.settings import TrainSettings
from trainer.vertex import ALONE, Process
from trainer.vlm.settings import VlmSettings

# What torch.compile calls: inductor for a CPU, triton for a GPU; the variable names another one.
COMPILERS = {"cpu": ("CXX", ("g++",)), "cuda": ("CC", ("gcc", "clang"))}


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
    if isinstance(settings, TrainSettings) and settings.compile:
        check_compiler(device)
    return device


def check_compiler(device: torch.device) -> None:
    """Refuse to compile where there is nothing to compile with."""
    variable, names = COMPILERS[device.type]
    names = (os.environ[variable],) if os.environ.get(variable) else names
    if not any(map(shutil.which, names)):
        wanted = " or ".join(names)
        raise TrainerError(f"--compile=true needs {wanted} on the path, or another in ${variable}")


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
