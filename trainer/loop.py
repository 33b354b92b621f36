"""The training loop: one step after another, resumable at any of them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from trainer import checkpoint, state
from trainer.checkpoint import Progress
from trainer.clock import Clock
from trainer.dataset import Split, step_index, steps_per_epoch
from trainer.errors import TrainerError
from trainer.manifest import checkpoints
from trainer.measure import measure
from trainer.metrics import MetricsLog, report_tuning
from trainer.network import Network
from trainer.objective import Loss, objective
from trainer.saver import Saver, best_interval
from trainer.settings import TrainSettings
from trainer.signals import StopRequest
from trainer.vertex import RunContext


@dataclass(slots=True)
class Run:
    """Everything a training run works with; `step` counts finished steps."""

    settings: TrainSettings
    context: RunContext
    model: Network
    optimizer: torch.optim.Optimizer
    train: Split
    validation: Split
    log: MetricsLog
    stop: StopRequest
    identity: dict[str, Any]
    step: int = 0
    loss: float = math.nan
    score: float | None = None  # of this step, where it was evaluated
    best: float | None = None
    stale: int = 0  # epochs since the best score
    saver: Saver = field(default_factory=Saver)
    started: float = field(default_factory=time.monotonic)

    @property
    def answering(self) -> bool:
        """Whether this stage trains the answer; stage `relevance` trains the scorers only."""
        return self.settings.stage != "relevance"

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

    @property
    def done(self) -> bool:
        """Whether no step is left to do: all are done, or patience is at its end."""
        patience = self.settings.patience
        return self.step >= self.planned or (patience is not None and self.stale >= patience)

    @property
    def interrupted(self) -> bool:
        """Whether to leave before the run is done: SIGTERM, or the time is up."""
        limit = self.settings.max_seconds
        late = limit is not None and time.monotonic() - self.started >= limit
        return self.stop.asked or late

    def losses(self, images: torch.Tensor) -> Loss:
        """Losses of the training images of an index tensor."""
        batch = self.train.batch(images)
        output = self.model(batch.textures, batch.tokens, batch.question, answering=self.answering)
        return objective(output, batch, self.settings, self.model.keep, hard=self.settings.hard)

    def measured(self) -> dict[str, float]:
        """Metrics on the validation images."""
        return measure(self.model, self.validation, batch=50, answering=self.answering)

    def progress(self) -> Progress:
        """Where the run stands."""
        epoch = self.step // self.per_epoch
        return Progress(self.step, epoch, self.planned, self.done, self.loss, self.score)


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
    loss = run.losses(step_index(len(run.train), settings.batch, settings.seed, run.step))
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
    return f"the loss is {value} at step {run.step + 1}; {last_good(run)}"


def last_good(run: Run) -> str:
    """Name the newest checkpoint, after the one under way."""
    run.saver.wait()
    kept = checkpoints(run.context.checkpoint_dir)
    return f"last good checkpoint: {kept[-1]}" if kept else "there is no checkpoint yet"


def train(run: Run) -> bool:
    """Train until done; False when interrupted before. Either way the last step is saved."""
    clock = Clock(run.step)
    while not run.done:
        loss = train_step(run)
        note(run, loss)
        clock.report(run)
        run.score = None
        if run.step % run.per_epoch == 0:
            validate(run)
        leaving = run.interrupted
        if run.done or leaving or run.score is not None or due(run):
            save(run)
        if leaving:
            break
    run.saver.wait()
    return run.done


def due(run: Run) -> bool:
    """Whether a periodic checkpoint is due.

    With `auto` the first one comes at once: it tells what a save costs, and that one can be made.
    """
    every = run.settings.checkpoint_every
    if every:
        return run.step % every == 0
    if not run.saver.measured():
        return run.saver.pending is None
    elapsed = time.monotonic() - run.saver.begun
    return elapsed >= best_interval(run.saver.cost, run.settings.mtbi)


def note(run: Run, loss: Loss) -> None:
    """Write the losses of a step to the log, in full precision."""
    parts = {"loss": loss.total, "answer_loss": loss.answer, "relevance_loss": loss.relevance}
    for name, value in (parts | {"budget_loss": loss.budget}).items():
        run.log.add(run.step, "train", name, value.item())


def validate(run: Run) -> None:
    """Measure on the validation images at the end of an epoch."""
    metrics = run.measured()
    for name, value in metrics.items():
        run.log.add(run.step, "validation", name, value)
    run.score = metrics[run.headline]
    better = run.best is None or run.score > run.best
    run.best, run.stale = (run.score, 0) if better else (run.best, run.stale + 1)
    report_tuning(run.context, f"val_{run.headline}", run.score, run.step)
    print(f"epoch {run.step // run.per_epoch}: val_{run.headline} {run.score:.4f}", flush=True)


def save(run: Run) -> None:
    """Flush the log, then let the saver write a checkpoint and drop the oldest."""
    run.saver.save(lambda: prepare_save(run))


def prepare_save(run: Run) -> Callable[[], None]:
    """Copy the run as it is now; returns what writes the copy."""
    run.log.flush()
    weights, progress = run.model.state_dict(), run.progress()
    data = state.pack(snapshot(run, weights))
    groups = checkpoint.describe_groups(weights)
    root, keep = run.context.checkpoint_dir, run.settings.keep_checkpoints

    def write() -> None:
        checkpoint.save(root, progress, groups, data)
        checkpoint.prune(root, keep, progress.step)

    return write


def snapshot(run: Run, weights: dict[str, torch.Tensor]) -> state.State:
    """Collect the state; raises TrainerError instead of saving what cannot be continued."""
    found = state.State(
        step=run.step,
        loss=run.loss,
        score=run.score,
        best=run.best,
        stale=run.stale,
        identity=run.identity,
        model=weights,
        moments=state.moments(run.optimizer),
        random=state.random_state(),
    )
    problem = state.non_finite(found)
    if problem:
        raise TrainerError(f"{problem} after step {run.step}; {last_good(run)}")
    return found


def resume(run: Run) -> bool:
    """Continue from the newest undamaged checkpoint; False where there is none."""
    found = checkpoint.load_newest(run.context.checkpoint_dir, run.model)
    if found is None:
        return False
    refuse_other_run(run.identity, found.identity)
    run.model.load_state_dict(found.model)
    state.restore_moments(run.optimizer, found.moments)
    state.restore_random_state(found.random)
    run.step, run.loss, run.score = found.step, found.loss, found.score
    run.best, run.stale = found.best, found.stale
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
