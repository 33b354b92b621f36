"""The processes that train together, and what they tell each other. Alone, nothing is sent."""

import ctypes
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from trainer.errors import TrainerError
from trainer.vertex import Process

Value = TypeVar("Value")
PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
# How long a process waits for another: the first one may read data alone, or write a large model.
PATIENCE = timedelta(minutes=30)
_kept: list[object] = []  # see `leave`


@dataclass(frozen=True, slots=True)
class Team:
    """This process among those that train together; rank 0 writes everything there is to write."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

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

    def in_turns(self, call: Callable[[], Value]) -> Value:
        """Let rank 0 do it first, then one process of each other machine, then the rest.

        Whoever comes later finds what was made, on a disk of all or of its machine.
        """
        mine = 0 if self.leads else 1 if self.local_rank == 0 else 2
        for _ in range(mine):
            self.wait()
        found = call()
        for _ in range(mine, 2):
            self.wait()
        return found

    @staticmethod
    def _device() -> str:
        return "cuda" if dist.get_backend() == "nccl" else "cpu"


@contextmanager
def together(process: Process, device: torch.device) -> Iterator[Team]:
    """Join, and leave at the end; raises TrainerError where the others are not reached any more."""
    try:
        yield join(process, device)
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            reason = str(error).split("] ", 1)[-1].partition(". ")[0]
            raise TrainerError(f"lost the other processes: {reason}") from None
        raise
    finally:
        leave()


def join(process: Process, device: torch.device) -> Team:
    """Join the processes that torchrun started; a process by itself is a team of one."""
    if not process.started:
        return Team()
    die_with_parent()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return Team(process.rank, process.world, process.local_rank)


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
    """Let the kernel, where it is Linux, end this process with the one that started it.

    Without torchrun's agent it would train on, unseen, into the directory of its successor.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def seed_rank(team: Team, seed: int) -> None:
    """Give every rank random numbers of its own; those of rank 0 stay as they are."""
    if not team.leads:
        own = (seed + 7_919 * team.rank) % 2**31
        random.seed(own)
        np.random.seed(own)  # noqa: NPY002 - the generator that libraries draw from
        torch.manual_seed(own)
