"""Runs stepped together: their weights are the rows of one matrix.

A vectorised map (torch.func.vmap) computes the losses of all rows, one backward pass their
gradients, and AdamW works on whole matrices with a rate for each row. Rows do not touch each other.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainer.checkpoint import state
from trainer.data.dataset import Batch, step_index
from trainer.model.arr_coc import Network
from trainer.train import Loss, Run, learning_rate, objective

NUMBERS = ("relevance_weight", "budget_weight", "budget_target", "clip")  # used in every step
EPSILON = 1e-8  # torch's default, which a single run uses as well


class Mask(nn.Module):
    """Dropout whose random choice is given from outside, as a buffer."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones(()))
        self.shape: tuple[int, ...] = ()  # of one image, seen in the last call

    def forward(self, values: Tensor) -> Tensor:
        """Values [B, …] times the mask."""
        self.shape = tuple(values.shape[1:])
        return values * self.mask


@dataclass(slots=True, eq=False)
class Member:
    """A run in a pack, with the random generators it would have for itself."""

    name: str
    run: Run
    random: dict[str, Any]
    generator: torch.Generator  # of the run's device: draws the dropout

    def remember(self) -> None:
        """Take over the random generators as they are."""
        self.random = state.random_state()
        on_gpu = self.generator.device.type == "cuda"
        self.generator.set_state(self.random["cuda"] if on_gpu else self.random["torch"])

    def random_state(self) -> dict[str, Any]:
        """State of the random generators that a run for itself would have now."""
        drawn = self.generator.get_state()
        on_gpu = self.generator.device.type == "cuda"
        return self.random | ({"cuda": drawn} if on_gpu else {"torch": drawn})


class Stack:
    """Runs at the same step, made ready to be stepped together.

    The parameters of every run, and what its optimizer remembers, become views into the rows: a run
    can be saved, measured and written at any time as if it trained alone.

    Members that are `alike` have one seed and one model to start from: they share the batch and what
    is not trained.

    On a CPU a spare row follows, a copy of the last. Vectorised loops compute the end of a tensor by
    other code, with other last bits; so does a product of one matrix. With the spare row no member
    is ever at the end or by itself, and none notices, in any bit, how many there are or who left.
    """

    def __init__(self, members: Sequence[Member], *, alike: bool) -> None:
        self.members = list(members)
        on_cpu = members[0].generator.device.type == "cpu"
        self.rows = [*members, members[-1]] if on_cpu else self.members
        self.runs = [member.run for member in self.rows]
        self.alike = alike
        lead = self.runs[0]
        self.network = masked(lead.model)
        self.parts = trained(self.network, lead)
        dropping = any(run.settings.dropout for run in self.runs)
        self.masks = _masks(self.network) if dropping else {}
        self.weights = self._matrix(lambda _run, parameter: parameter.detach())
        self.mean = self._matrix(lambda run, parameter: _moment(run, parameter, "exp_avg"))
        self.square = self._matrix(lambda run, parameter: _moment(run, parameter, "exp_avg_sq"))
        # A number for each parameter: a checkpoint holds them apart, as an optimizer does.
        self.steps = self.column(run.step for run in self.runs)[:, None].repeat(1, len(self.parts))
        self.rest = self._others()
        self.settings = {
            name: self.column(getattr(run.settings, name) for run in self.runs) for name in NUMBERS
        }
        self._bind()
        self.weights.requires_grad_()

    @property
    def device(self) -> torch.device:
        """Where all rows are."""
        return next(self.runs[0].model.parameters()).device

    def _matrix(self, pick: Callable[[Run, nn.Parameter], Tensor]) -> Tensor:
        """Lay out one tensor per trained parameter and run as [runs, numbers]."""
        return torch.stack([
            torch.cat([
                pick(run, run.model.get_parameter(name)).flatten() for name in self.parts
            ])
            for run in self.runs
        ])  # fmt: skip

    def _bind(self) -> None:
        """Make parameters and moments of every run views of its row."""
        for row, run in enumerate(self.runs[: len(self.members)]):
            views = zip(
                self.split(self.weights[row : row + 1]).items(),
                self.split(self.mean[row : row + 1]).values(),
                self.split(self.square[row : row + 1]).values(),
                self.steps[row],
                strict=True,
            )
            for (name, weight), mean, square, done in views:
                parameter = run.model.get_parameter(name)
                parameter.data = weight[0]
                run.optimizer.state[parameter] = {
                    "step": done,
                    "exp_avg": mean[0],
                    "exp_avg_sq": square[0],
                }

    def split(self, rows: Tensor) -> dict[str, Tensor]:
        """Cut rows [n, numbers] into the trained parameters, each [n, …]."""
        pieces = torch.split(rows, [shape.numel() for shape in self.parts.values()], dim=1)
        return {
            name: piece.reshape(len(rows), *shape)
            for (name, shape), piece in zip(self.parts.items(), pieces, strict=True)
        }

    def _others(self) -> dict[str, Tensor]:
        """Collect what is not trained: of one run where all are alike, else stacked."""
        states = [run.model.state_dict() for run in self.runs]
        names = [name for name in states[0] if name not in self.parts]
        if self.alike:
            return {name: states[0][name] for name in names}
        return {name: torch.stack([state[name] for state in states]) for name in names}

    def column(self, values: Iterable[float]) -> Tensor:
        """Return one number for every run as [runs]."""
        return torch.tensor(list(map(float, values)), device=self.device)


def masked(model: Network) -> Network:
    """Copy a network with its dropouts replaced by masks, to be called with given tensors."""
    network = copy.deepcopy(model).eval()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, Mask())
    return network


def trained(network: Network, run: Run) -> dict[str, torch.Size]:
    """Shapes of the parameters that this stage trains; an optimizer leaves the others alone."""
    batch = run.train.batch(torch.arange(1))
    output = network(batch.textures, batch.tokens, batch.question, answering=run.answering)
    total = objective(output, batch, run.settings, run.model.keep, hard=run.settings.hard).total
    named = dict(network.named_parameters())
    found = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    pairs = zip(named.items(), found, strict=True)
    return {name: value.shape for (name, value), gradient in pairs if gradient is not None}


def _masks(network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of the masks of one image, by name, for those that the stage passes through."""
    masks = ((name, each) for name, each in network.named_modules() if isinstance(each, Mask))
    return {f"{name}.mask": each.shape for name, each in masks if each.shape}


def _moment(run: Run, parameter: nn.Parameter, name: str) -> Tensor:
    """Return what the optimizer remembers of a parameter; zeros before its first step."""
    kept: dict[str, Tensor] = run.optimizer.state.get(parameter, {})
    return kept.get(name, torch.zeros_like(parameter))


class Weights(NamedTuple):
    """Weights of the losses, one number for each row."""

    relevance_weight: Tensor
    budget_weight: Tensor
    budget_target: Tensor


def step(stack: Stack) -> list[Loss]:
    """Do one optimizer step of every member; returns their losses as scalars on the CPU.

    A row whose loss is not finite is spoilt by the step, the others are not.
    """
    losses = forward(stack)
    (gradient,) = torch.autograd.grad(losses.total.sum(), stack.weights)
    update(stack, gradient)
    rows = torch.stack([getattr(losses, field.name) for field in fields(losses)]).detach().cpu()
    return [Loss(*rows[:, row]) for row in range(len(stack.members))]


def forward(stack: Stack) -> Loss:
    """Losses of the next step of every run, each [runs]."""
    lead, batch = stack.runs[0], next_batch(stack)
    own = stack.split(stack.weights) | draw_masks(stack, batch.question.shape[-2])
    keep = lead.model.keep_at(lead.step)
    weights = Weights(*(stack.settings[name] for name in Weights._fields))

    def one(own: dict[str, Tensor], rest: dict[str, Tensor], weights: Weights, batch: Batch) -> Any:
        inputs = (batch.textures, batch.tokens, batch.question)
        named = {"answering": lead.answering, "keep": keep}
        output = functional_call(stack.network, own | rest, inputs, named)
        loss = objective(output, batch, weights, keep, hard=lead.settings.hard)
        return tuple(getattr(loss, field.name) for field in fields(loss))

    shared = None if stack.alike else 0
    axes: Any = dict.fromkeys(Batch._fields, shared) | {"tokens": None}
    dims = Batch(**axes)
    return Loss(*vmap(one, in_dims=(0, shared, 0, dims))(own, stack.rest, weights, batch))


def next_batch(stack: Stack) -> Batch:
    """Images of the next step: one batch where all are alike, else one for each run."""
    lead = stack.runs[0]
    size, seeds = lead.settings.batch, [run.settings.seed for run in stack.runs]
    orders = {seed: step_index(len(lead.train), size, seed, lead.step) for seed in seeds}
    index = [orders[seed] for seed in seeds]
    return lead.train.batch(index[0] if stack.alike else torch.stack(index))


def draw_masks(stack: Stack, images: int) -> dict[str, Tensor]:
    """Draw the dropout of every member from its own generator, in the order of the network."""
    drawn = {
        member.name: [_mask(member, (images, *shape)) for shape in stack.masks.values()]
        for member in stack.members
    }
    rows = zip(*(drawn[member.name] for member in stack.rows), strict=True)
    return {name: torch.stack(each) for name, each in zip(stack.masks, rows, strict=True)}


def _mask(member: Member, shape: tuple[int, ...]) -> Tensor:
    """Draw as torch's dropout does on a CPU, so that a run drops the same as alone."""
    keep = 1 - member.run.settings.dropout
    mask = torch.ones(shape, device=member.generator.device)
    return mask if keep == 1 else mask.bernoulli_(keep, generator=member.generator).div_(keep)


def update(stack: Stack, gradient: Tensor) -> None:
    """Clip each row's gradient and move its weights by AdamW, as a single run does.

    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization" (ICLR 2019), algorithm 2.
    """
    norm = torch.linalg.vector_norm(gradient, dim=1)
    gradient = gradient * (stack.settings["clip"] / (norm + 1e-6)).clamp_max(1)[:, None]
    stack.steps += 1
    numbers = torch.tensor([_factors(run) for run in stack.runs], device=stack.device)
    decay, size, root, fresh, old, fresh_square = numbers.T[..., None]
    with torch.no_grad():
        stack.weights.mul_(decay)
        stack.mean.lerp_(gradient, fresh)
        stack.square.mul_(old).addcmul_(gradient * fresh_square, gradient)
        divisor = (stack.square.sqrt() / root).add_(EPSILON)
        stack.weights.sub_(stack.mean * size / divisor)


def _factors(run: Run) -> tuple[float, ...]:
    """Numbers of AdamW's next step: decay of weights, step size and root, shares of the moments.

    Step size and root are corrected for the beginning, where the moments are still small.
    """
    settings, done = run.settings, run.step + 1
    rate, beta1, beta2 = (
        learning_rate(settings, run.step, run.planned),
        settings.beta1,
        settings.beta2,
    )
    decay, root = 1 - rate * settings.weight_decay, (1 - beta2**done) ** 0.5
    return decay, rate / (1 - beta1**done), root, 1 - beta1, beta2, 1 - beta2
