"""The model as a step calls it: alone, replicated (DDP) or sharded (FSDP2), and compiled.

`model` always holds the parameters; their names never change. Under FSDP2 most of them are
DTensors, of which each process holds a slice.
"""

import itertools
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from trainer.network import Answers, Network, Output
from trainer.settings import OptimizerSettings, TrainSettings
from trainer.team import Team


@dataclass(slots=True)
class Wrapped:
    """What a step calls, and how its gradients come together."""

    model: nn.Module
    call: Callable[..., Answers | Output]
    team: Team
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
            together = self.team.sum(torch.stack(alone)) / self.team.world
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


def spread(model: Network, settings: TrainSettings, team: Team) -> Wrapped:
    """Prepare a model for steps: replicate or shard it over the team, compile it."""
    wrapped = Wrapped(model, model, team)
    if team.world > 1 and settings.parallel == "fsdp":
        shard(model, team.world)
    elif team.world > 1:
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
