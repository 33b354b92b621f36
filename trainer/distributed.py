"""Where a step is computed: the device, the processes that share it, the model spread over them.

`python -m trainer` on a machine with several GPUs, or in a job of several machines (CLUSTER_SPEC),
becomes torchrun's agent of its machine and starts one process for each GPU. Under torchrun
(LOCAL_RANK is set) it is one of these processes, and nothing is started. A process by itself is a
process group of one: nothing is sent then.

A model's parameters keep their names however it is spread. Under FSDP2 most of them are DTensors,
of which each process holds a slice.
"""

import ctypes
import itertools
import logging
import os
import random
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from trainer.errors import TERMINATED, TrainerError
from trainer.model.arr_coc import Answers, Network, Output
from trainer.settings import OptimizerSettings, TrainSettings, VlmSettings
from trainer.vertex import ALONE, Cluster, Process, RunContext

Value = TypeVar("Value")
PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
# How long a process waits for another: the first one may read data alone, or write a large model.
GROUP_TIMEOUT = timedelta(minutes=30)
_kept: list[object] = []  # see `_destroy`
RENDEZVOUS_SECONDS = 900  # seconds in which all machines of a job must be there
# What torch.compile calls: inductor for a CPU, triton for a GPU; the variable names another one.
COMPILERS = {"cpu": ("CXX", ("g++",)), "cuda": ("CC", ("gcc", "clang"))}


def prepare(settings: TrainSettings | VlmSettings, process: Process = ALONE) -> torch.device:
    """Fix threads, seeds and determinism; refuse what is missing before any data is read."""
    torch.set_num_threads(settings.threads)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.allow_tf32 = False  # float32 is what `precision` says, in convolutions too
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


def launch(settings: TrainSettings, context: RunContext, argv: Sequence[str]) -> int | None:
    """Start the processes of this machine and wait for them; None where one process is enough."""
    here, cluster = processes(settings), context.cluster
    if context.process.started or here * cluster.machines == 1:
        return None
    return run_agent(argv, here, cluster, context.job_id or "trainer")


def processes(settings: TrainSettings) -> int:
    """Count the processes of this machine: those asked for, else one for each GPU, at least one."""
    gpus = 0 if settings.device == "cpu" else torch.cuda.device_count()
    return settings.processes or max(gpus, 1)


def run_agent(argv: Sequence[str], here: int, cluster: Cluster, job: str) -> int:
    """Be torchrun's agent; returns the exit code of the process that failed first, else 0.

    Nothing is restarted here: whoever restarts the job continues from the last checkpoint.
    """
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # DDP warns of what `replicate` wants
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable(logging.CRITICAL)  # the agent would repeat what its processes print
    config = LaunchConfig(
        min_nodes=cluster.machines,
        max_nodes=cluster.machines,
        nproc_per_node=here,
        run_id=job,
        max_restarts=0,
        monitor_interval=0.1,
        **rendezvous(cluster),
    )
    try:
        elastic_launch(config, sys.executable)("-u", "-m", "trainer", *argv)
    except SignalException:
        return TERMINATED
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            raise TrainerError(killed(rank, -failure.exitcode)) from None
        return failure.exitcode
    except (DistError, RendezvousError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainerError(f"the machines of this job do not find each other: {reason}") from None
    return 0


def killed(rank: int, number: int) -> str:
    """Say which process a signal ended; it could not say so itself."""
    name = signal.Signals(number).name
    often = ": often it had no memory left" if name == "SIGKILL" else ""
    return f"process {rank} was ended by {name}{often}; start again to continue"


def rendezvous(cluster: Cluster) -> dict[str, Any]:
    """Where the agents meet: at the primary machine of the spec; alone, at a free port."""
    if cluster.machines == 1:
        return {"rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"}
    return {
        "rdzv_backend": "static",
        "rdzv_endpoint": f"{cluster.master}:{cluster.port}",
        "rdzv_configs": {"rank": cluster.rank, "timeout": RENDEZVOUS_SECONDS},
    }


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """This process among those that train together; rank 0 writes everything there is to write."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and prints."""
        return self.rank == 0

    def all_reduce(self, values: Tensor) -> Tensor:
        """Add up a tensor over all processes."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values

    def any(self, *flags: bool) -> list[bool]:
        """Tell for each flag whether any process has raised it."""
        if self.world_size == 1:
            return list(flags)
        raised: list[int] = self.all_reduce(
            torch.tensor(flags, dtype=torch.int32, device=self._device())
        ).tolist()
        return [count > 0 for count in raised]

    def broadcast(self, value: Value) -> Value:
        """Return the value that rank 0 gives."""
        if self.world_size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def all_gather(self, value: Value) -> list[Value]:
        """Return the values of all ranks, in their order."""
        found: list[Any] = [value]
        if self.world_size > 1:
            found = [None] * self.world_size
            dist.all_gather_object(found, value)
        return found

    def barrier(self) -> None:
        """Wait until every process is here."""
        self.all_gather(None)

    def main_first(self, call: Callable[[], Value]) -> Value:
        """Let rank 0 do it first, then one process of each other machine, then the rest.

        Whoever comes later finds what was made, on a disk of all or of its machine.
        """
        mine = 0 if self.is_main else 1 if self.local_rank == 0 else 2
        for _ in range(mine):
            self.barrier()
        found = call()
        for _ in range(mine, 2):
            self.barrier()
        return found

    @staticmethod
    def _device() -> str:
        return "cuda" if dist.get_backend() == "nccl" else "cpu"


@contextmanager
def process_group(process: Process, device: torch.device) -> Iterator[ProcessGroup]:
    """Join, and leave at the end; raises TrainerError where the others are not reached any more."""
    try:
        yield _init(process, device)
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            reason = str(error).split("] ", 1)[-1].partition(". ")[0].partition("\n")[0]
            raise TrainerError(f"lost the other processes: {reason}") from None
        raise
    finally:
        _destroy()


def _init(process: Process, device: torch.device) -> ProcessGroup:
    """Join the processes that torchrun started; a process by itself is a group of one."""
    if not process.started:
        return ProcessGroup()
    die_with_parent()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=GROUP_TIMEOUT)
    return ProcessGroup(process.rank, process.world_size, process.local_rank)


def _destroy() -> None:
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


def seed_rank(group: ProcessGroup, seed: int) -> None:
    """Give every rank random numbers of its own; those of rank 0 stay as they are."""
    if not group.is_main:
        reseed(seed, 0, group.rank)


def reseed(seed: int, step: int, rank: int) -> None:
    """Begin new random numbers: a pure function of (seed, step, rank)."""
    own = (seed + 104_729 * step + 7_919 * rank) % 2**31
    random.seed(own)
    np.random.seed(own)  # noqa: NPY002 - the generator that libraries draw from
    torch.manual_seed(own)


@dataclass(slots=True)
class Wrapped:
    """What a step calls, and how its gradients come together."""

    model: nn.Module
    call: Callable[..., Answers | Output]
    group: ProcessGroup
    replicas: DistributedDataParallel | None = None

    def last_part(self, last: bool) -> AbstractContextManager[Any]:
        """Exchange gradients in the last part of a step only."""
        if isinstance(self.model, FSDPModule):
            self.model.set_requires_gradient_sync(last)
        return nullcontext() if last or self.replicas is None else self.replicas.no_sync()

    def finish_gradients(self) -> None:
        """Average the gradients that FSDP2 leaves alone: those of single numbers."""
        if not isinstance(self.model, FSDPModule):
            return
        found = [p.grad for p in self.model.parameters() if p.grad is not None]
        alone = [gradient for gradient in found if not isinstance(gradient, DTensor)]
        if alone:
            together = self.group.all_reduce(torch.stack(alone)) / self.group.world_size
            torch._foreach_copy_(alone, list(together.unbind()))

    def clip(self, limit: float) -> None:
        """Scale all gradients so that their common norm is at most the limit."""
        parameters = list(self.model.parameters())
        groups = [group for group in by_kind(parameters) if group]
        if len(groups) == 1:
            nn.utils.clip_grad_norm_(parameters, limit)
            return
        norms = [full(nn.utils.get_total_norm(gradients(group))) for group in groups]
        total = torch.linalg.vector_norm(torch.stack(norms))
        for group in groups:
            nn.utils.clip_grads_with_norm_(group, limit, total)


def parallelise(model: Network, settings: TrainSettings, group: ProcessGroup) -> Wrapped:
    """Prepare a model for steps: replicate or shard it over the group, compile it."""
    wrapped = Wrapped(model, model, group)
    if group.world_size > 1 and settings.parallel == "fsdp":
        shard(model, group.world_size)
    elif group.world_size > 1:
        wrapped.call = wrapped.replicas = replicate(model)
    if settings.compile:
        wrapped.call = compiled(wrapped.call)
    return wrapped


def replicate(model: Network) -> DistributedDataParallel:
    """Wrap a model for DDP.

    Looking for unused parameters keeps DDP from laying out its buckets anew after the first
    step. With more than two processes the order of a sum follows the layout, so a resumed run
    would differ in the last bits. Stage `relevance` leaves parameters unused besides.
    """
    return DistributedDataParallel(model, find_unused_parameters=True)


def shard(model: Network, world: int) -> None:
    """Shard each member of a list by itself, then the rest; single numbers cannot be sharded."""
    # Nothing changes an output in place, which is what torch warns of.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    alone = {parameter for parameter in model.parameters() if parameter.dim() == 0}
    device = next(model.parameters()).device.type
    mesh = init_device_mesh(device, (world,))
    lists = (module for module in model.modules() if isinstance(module, nn.ModuleList))
    for part in itertools.chain.from_iterable(lists):
        fully_shard(part, mesh=mesh)
    fully_shard(model, mesh=mesh, ignored_params=alone)


def compiled(call: Callable[..., Answers | Output]) -> Callable[..., Answers | Output]:
    """Compile what a step calls.

    Rounding to bfloat16 happens where it would without compilation: otherwise a maximum is not
    found among the values it is the maximum of, and its gradient is 0 / 0.
    """
    found: Callable[..., Answers | Output] = torch.compile(
        call, dynamic=False, options={"emulate_precision_casts": True}
    )
    return found


def make_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.AdamW:
    """AdamW over all parameters; whole and sharded ones in groups of their own."""
    groups = [{"params": group} for group in by_kind(list(model.parameters())) if group]
    return torch.optim.AdamW(
        groups,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        weight_decay=settings.weight_decay,
        fused=True,
    )


def by_kind(parameters: list[nn.Parameter]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(whole, sharded) parameters; torch's fused functions take no mixture."""
    kinds: tuple[list[nn.Parameter], list[nn.Parameter]] = ([], [])
    for parameter in parameters:
        kinds[isinstance(parameter, DTensor)].append(parameter)
    return kinds


def gradients(parameters: list[nn.Parameter]) -> list[Tensor]:
    """Return the gradients there are."""
    return [p.grad for p in parameters if p.grad is not None]


def full(value: Tensor) -> Tensor:
    """Gather a sharded tensor; every process must ask at the same time."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def full_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the whole weights of a model, gathered where it is sharded."""
    own: dict[str, Tensor] = model.state_dict()
    return {name: full(value) for name, value in own.items()}


def like(value: Tensor, own: Tensor) -> Tensor:
    """Lay out a whole tensor like one of ours: the same device, the same slice."""
    value = value.to(own.device)
    if not isinstance(own, DTensor):
        return value
    return distribute_tensor(value, own.device_mesh, own.placements, src_data_rank=None)


def load_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load whole weights into a model, sharded or not; raises RuntimeError when they do not fit."""
    own = model.state_dict()
    model.load_state_dict({
        name: like(value, own[name]) if name in own and value.shape == own[name].shape else value
        for name, value in weights.items()
    })  # fmt: skip
