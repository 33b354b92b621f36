"""The processes that train together, and what they tell each other. Alone, nothing is sent."""

import ctypes
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from trainer.vertex import Process

Value = TypeVar("Value")
PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_kept: list[object] = []  # see `leave`


@dataclass(frozen=True, slots=True)
class Team:
    """This process among those that train together; rank 0 writes everything there is to write."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Add up a tensor over all processes."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def any(self, *flags: bool) -> list[bool]:
        """Tell for each flag whether any process has raised it."""
        if self.world == 1:
            return list(flags)
        raised: list[int] = self.sum(
            torch.tensor(flags, dtype=torch.int32, device=self._device())
        ).tolist()
        return [count > 0 for count in raised]

    def follow(self, value: Value) -> Value:
        """Return the value that rank 0 gives."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all ranks, in their order."""
        found: list[Any] = [value]
        if self.world > 1:
            found = [None] * self.world
            dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Wait until every process is here."""
        self.gather(None)

    def after_first(self, call: Callable[[], Value]) -> Value:
        """Let rank 0 do it first, then the others: they find what it made."""
        if not self.leads:
            self.wait()
        found = call()
        if self.leads:
            self.wait()
        return found

    @staticmethod
    def _device() -> str:
        return "cuda" if dist.get_backend() == "nccl" else "cpu"


def join(process: Process, device: torch.device) -> Team:
    """Join the processes that torchrun started; a process by itself is a team of one."""
    if not process.started:
        return Team()
    die_with_parent()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Team(process.rank, process.world)


def leave() -> None:
    """Close the connections, where there are any.

    The group is kept until the interpreter ends. Freed with the last reference to it, by DDP's
    reducer, it waits for its thread while holding the interpreter, and that thread may wait for the
    interpreter to free its last message: the process would never end (torch 2.13, gloo).
    """
    if dist.is_initialized():
        _kept.append(dist.group.WORLD)
        dist.destroy_process_group()


def die_with_parent() -> None:
    """Let the kernel end this process with the one that started it.

    Without torchrun's agent it would train on, unseen, into the directory of its successor.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def seed_rank(team: Team, seed: int) -> None:
    """Give every rank random numbers of its own; those of rank 0 stay as they are."""
    if not team.leads:
        own = (seed + 7_919 * team.rank) % 2**31
        random.seed(own)
        np.random.seed(own)  # noqa: NPY002 - the generator that libraries draw from
        torch.manual_seed(own)
