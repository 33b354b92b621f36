"""One optimizer step: forward and backward in parts, one clipped AdamW update."""

import math
from dataclasses import fields

import torch
from torch import Tensor

from trainer.dataset import step_index
from trainer.errors import TrainerError
from trainer.manifest import checkpoints
from trainer.objective import Loss
from trainer.place import Place
from trainer.run import Run
from trainer.settings import TrainSettings


def learning_rate(settings: TrainSettings, step: int, planned: int) -> float:
    """Rate of a step (from 0): linear warmup, then a cosine down to zero."""
    warmup = max(1, round(settings.warmup * planned))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, planned - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def train_step(run: Run) -> Loss:
    """One optimizer step; stops before it when the loss is not finite."""
    settings = run.settings
    run.model.train()
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(settings, run.step, run.planned)
    run.optimizer.zero_grad(set_to_none=True)
    loss = accumulate_gradients(run)
    value = loss.total.item()
    if not math.isfinite(value):
        raise TrainerError(non_finite(run, value))
    run.wrapped.clip(settings.clip)
    run.optimizer.step()
    run.step, run.loss = run.step + 1, value
    return loss


def accumulate_gradients(run: Run) -> Loss:
    """Add up the gradients of the step's images, part by part; returns their mean losses.

    Every part counts by its number of images, so that the sum is the gradient of the whole. The
    losses come to the CPU together: it waits once a step for the GPU, before the optimizer's step.
    """
    settings, team = run.settings, run.team
    images = step_index(len(run.train), settings.batch, settings.seed, run.step)
    parts = parts_of(images, team.rank, team.world, settings.accumulate)
    sums: list[Tensor] = []
    for number, part in enumerate(parts, start=1):
        weight = len(part) / len(images)
        with run.wrapped.last_part(number == len(parts)):
            loss = run.losses(part)
            # DDP and FSDP average over processes what is to be added up.
            torch.autograd.backward(loss.total * (weight * team.world))
        values = [getattr(loss, field.name) for field in fields(loss)]
        sums.append(torch.stack(values).detach() * weight)
    run.wrapped.finish_gradients()
    return Loss(*team.sum(torch.stack(sums).sum(0)).cpu().unbind())


def parts_of(images: Tensor, rank: int, world: int, accumulate: int) -> list[Tensor]:
    """Images of a step that a process computes, part by part: together the same for any world."""
    if len(images) < world * accumulate:
        raise TrainerError(
            f"{len(images)} images a step are too few for {world} processes "
            f"and accumulate={accumulate}"
        )
    parts = images.tensor_split(world * accumulate)
    return list(parts[rank * accumulate : (rank + 1) * accumulate])


def non_finite(run: Run, value: float) -> str:
    """Say where the loss broke and which checkpoint is still good, after the one under way."""
    run.saver.wait()
    return f"the loss is {value} at step {run.step + 1}; {last_good(run.context.checkpoint_dir)}"


def last_good(root: Place) -> str:
    """Name the newest checkpoint."""
    kept = checkpoints(root)
    return f"last good checkpoint: {kept[-1]}" if kept else "there is no checkpoint yet"
