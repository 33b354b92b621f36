"""Several runs made ready to be stepped together: their weights are the rows of one matrix."""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainer import state
from trainer.network import Network
from trainer.objective import objective
from trainer.run import Run

NUMBERS = ("relevance_weight", "budget_weight", "budget_target", "clip")  # used in every step


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
