"""One step of several runs at once.

A vectorised map (torch.func.vmap) computes the losses of all rows, one backward pass their
gradients, and AdamW works on whole matrices with a rate for each row. Rows do not touch each other.
"""

from dataclasses import fields
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from trainer.dataset import Batch, step_index
from trainer.objective import Loss, objective
from trainer.pack_stack import Member, Stack
from trainer.run import Run
from trainer.step import learning_rate

EPSILON = 1e-8  # torch's default, which a single run uses as well


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
    weights = Weights(*(stack.settings[name] for name in Weights._fields))

    def one(own: dict[str, Tensor], rest: dict[str, Tensor], weights: Weights, batch: Batch) -> Any:
        inputs = (batch.textures, batch.tokens, batch.question)
        named = {"answering": lead.answering}
        output = functional_call(stack.network, own | rest, inputs, named)
        loss = objective(output, batch, weights, lead.model.keep, hard=lead.settings.hard)
        return tuple(getattr(loss, field.name) for field in fields(loss))

    shared = None if stack.alike else 0
    places: Any = dict.fromkeys(Batch._fields, shared) | {"tokens": None}
    dims = Batch(**places)
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
