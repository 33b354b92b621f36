"""The training loop: one step after another, resumable at any of them."""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainer import checkpoint
from trainer.checkpoint import Progress
from trainer.config import TrainSettings
from trainer.dataset import Split, step_index, steps_per_epoch
from trainer.errors import TrainerError
from trainer.measure import measure
from trainer.metrics import MetricsLog, report_tuning
from trainer.model import ArrCoc
from trainer.objective import Loss, objective
from trainer.signals import StopRequest
from trainer.vertex import RunContext


@dataclass(slots=True)
class Run:
    """Everything a training run works with; `step` counts finished steps."""

    settings: TrainSettings
    context: RunContext
    model: ArrCoc
    optimizer: torch.optim.Optimizer
    train: Split
    validation: Split
    log: MetricsLog
    stop: StopRequest
    identity: dict[str, Any]
    step: int = 0
    loss: float = math.nan
    score: float | None = None

    @property
    def answering(self) -> bool:
        """Whether this stage trains the answer; stage `relevance` trains the scorers only."""
        return self.settings.stage == "answer"

    @property
    def headline(self) -> str:
        """The metric that tells checkpoints and trials apart."""
        return "accuracy" if self.answering else "relevance_iou"

    @property
    def per_epoch(self) -> int:
        """Steps in an epoch."""
        return steps_per_epoch(len(self.train), self.settings.batch)

    @property
    def planned(self) -> int:
        """Steps in the whole run."""
        return self.per_epoch * self.settings.epochs

    def progress(self) -> Progress:
        """Where the run stands."""
        return Progress(self.step, self.step // self.per_epoch, self.planned, self.loss, self.score)


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
    batch = run.train.batch(step_index(len(run.train), settings.batch, settings.seed, run.step))
    output = run.model(batch.textures, batch.tokens, batch.question, answering=run.answering)
    loss = objective(output, batch, settings, run.model.keep)
    value = loss.total.item()
    if not math.isfinite(value):
        raise TrainerError(non_finite(run, value))
    run.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss.total)
    nn.utils.clip_grad_norm_(run.model.parameters(), settings.clip)
    run.optimizer.step()
    run.step, run.loss = run.step + 1, value
    return loss


def non_finite(run: Run, value: float) -> str:
    """Say where the loss broke and which checkpoint is still good."""
    kept = checkpoint.checkpoints(run.context.checkpoint_dir)
    last = f"last good checkpoint: {kept[-1]}" if kept else "there is no checkpoint yet"
    return f"the loss is {value} at step {run.step + 1}; {last}"


def train(run: Run) -> bool:
    """Train to the end; False when a stop was asked for before it."""
    clock = Clock(run.step)
    while run.step < run.planned:
        loss = train_step(run)
        note(run, loss)
        clock.report(run)
        run.score = None
        if run.step % run.per_epoch == 0:
            validate(run)
        last = run.step == run.planned
        if last or run.stop.asked or run.score is not None or due(run):
            save(run)
        if run.stop.asked and not last:
            return False
    return True


def due(run: Run) -> bool:
    """Whether a periodic checkpoint is due."""
    return run.step % run.settings.checkpoint_every == 0


def note(run: Run, loss: Loss) -> None:
    """Write the losses of a step to the log, in full precision."""
    parts = {"loss": loss.total, "answer_loss": loss.answer, "relevance_loss": loss.relevance}
    for name, value in (parts | {"budget_loss": loss.budget}).items():
        run.log.add(run.step, "train", name, value.item())


def validate(run: Run) -> None:
    """Measure on the validation images at the end of an epoch."""
    metrics = measure(run.model, run.validation, batch=50, answering=run.answering)
    for name, value in metrics.items():
        run.log.add(run.step, "validation", name, value)
    run.score = metrics[run.headline]
    report_tuning(run.context, f"val_{run.headline}", run.score, run.step)
    print(f"epoch {run.step // run.per_epoch}: val_{run.headline} {run.score:.4f}", flush=True)


def save(run: Run) -> Path:
    """Flush the log, then write a checkpoint and drop the oldest."""
    run.log.flush()
    state = {
        "identity": run.identity,
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "random": checkpoint.random_state(),
    }
    path = checkpoint.save(run.context.checkpoint_dir, run.progress(), state)
    checkpoint.prune(run.context.checkpoint_dir, run.settings.keep_checkpoints)
    return path


def resume(run: Run, device: torch.device) -> bool:
    """Continue from the newest undamaged checkpoint; False where there is none."""
    found = checkpoint.load_newest(run.context.checkpoint_dir, device)
    if found is None:
        return False
    document, state = found
    refuse_other_run(run.identity, state["identity"])
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    checkpoint.restore_random_state(state["random"])
    run.step, run.loss, run.score = document["step"], document["loss"], document["score"]
    return True


def refuse_other_run(now: dict[str, Any], then: dict[str, Any]) -> None:
    """Refuse a checkpoint of other settings or data."""
    changed = [name for name in now if now[name] != then.get(name)]
    if changed:
        name = changed[0]
        raise TrainerError(
            f"the checkpoint was made with {name}={then.get(name)!r}, this run has "
            f"{now[name]!r}; use another output directory"
        )


@dataclass(slots=True)
class Clock:
    """Progress lines: samples (questions) per second and the time left."""

    first: int
    started: float = 0.0

    def __post_init__(self) -> None:
        self.started = time.monotonic()

    def report(self, run: Run) -> None:
        """Print a line now and then."""
        if run.step % run.settings.log_every and run.step != run.planned:
            return
        seconds = max(time.monotonic() - self.started, 1e-9)
        speed = (run.step - self.first) / seconds
        samples = speed * run.settings.batch
        rate = run.optimizer.param_groups[0]["lr"]
        left = (run.planned - run.step) / speed
        print(
            f"step {run.step}/{run.planned} loss {run.loss:.4f} lr {rate:.2e} "
            f"{samples:.0f} images/s ETA {left:.0f}s",
            flush=True,
        )
