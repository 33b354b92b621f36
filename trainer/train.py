"""One training stage, read from top to bottom: main, data, the run, its loop, a step, the loss.

What a step does is told by five files: this one, data/dataset.py (its images), model/arr_coc.py (the
network), distributed.py (processes, gradients, optimizer) and settings.py (every number).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from trainer.checkpoint import checkpoint, lease, state
from trainer.config import parse
from trainer.data.dataset import (
    Batch,
    Split,
    Textures,
    hold_out,
    load_textures,
    parts_of,
    step_index,
    steps_per_epoch,
    textures_directory,
)
from trainer.distributed import (
    ProcessGroup,
    Wrapped,
    autocast,
    full_weights,
    launch,
    load_weights,
    make_optimizer,
    parallelise,
    prepare,
    process_group,
    reseed,
    seed_rank,
)
from trainer.errors import TERMINATED, TIME_IS_UP, TrainerError
from trainer.evaluate import measure
from trainer.export import Trained, write_model
from trainer.model.arr_coc import Answers, Network, Output, Sizes, relevance_loss
from trainer.model.baselines import build
from trainer.report.metrics import Clock, MetricsLog, report_tuning
from trainer.settings import TrainSettings
from trainer.storage import check_model, outputs_whole, write_metrics
from trainer.vertex import RunContext, StopRequest, load_secrets, local_path, read_context

# Settings that may change between a run and its resumption without changing a number.
HARMLESS = {
    "output", "textures", "device", "checkpoint_every", "keep_checkpoints", "log_every", "mtbi",
    "max_seconds", "processes", "export",
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Train one stage, or resume it; returns the exit code."""
    settings, started = parse(TrainSettings, argv), time.monotonic()
    context = read_context(os.environ, settings.output)
    code = launch(settings, context, argv)
    if code is not None:
        return code
    stop = StopRequest().install()
    device = prepare(settings, context.process)
    load_secrets(os.environ)
    with process_group(context.process, device) as group:
        data = group.main_first(lambda: read_data(settings, context, device))
        run = assemble(settings, context, data, stop, group)
        run.started = started
        if finished_before(run, start_from):
            return 0
        return train_and_finish(run, lambda: finish(run, data.textures))


class Data(NamedTuple):
    """The textures, and their training images parted in two."""

    textures: Textures
    train: Split
    validation: Split


def read_data(settings: TrainSettings, context: RunContext, device: torch.device) -> Data:
    """Read the textures and part them into what is trained on and what is held for validation."""
    textures = load_textures(textures_directory(settings.textures, context), device)
    return Data(textures, *hold_out(textures.train.first(settings.limit), settings.validation))


def assemble(
    settings: TrainSettings,
    context: RunContext,
    source: Data,
    stop: StopRequest,
    group: ProcessGroup = ProcessGroup(),  # noqa: B008 - it cannot change
) -> Run:
    """Build model and optimizer, on the device of the data."""
    data, training, validation = source
    sizes = Sizes(data.grid, len(data.words), len(data.answers))
    model = build(settings, sizes).to(training.tensors["textures"].device)
    model.encoder.calibrate(training.tensors["textures"])
    wrapped = parallelise(model, settings, group)
    seed_rank(group, settings.seed)
    optimizer = make_optimizer(model, settings)
    identity = settings.model_dump(exclude=HARMLESS) | {"data": data.digest}
    main_only = (context.model_dir / "metrics.jsonl", context.log_dir)
    log = MetricsLog(*main_only) if group.is_main else MetricsLog(None)
    return Run(
        settings, context, model, wrapped, optimizer, training, validation, log, stop, identity
    )


def finished_before(run: Run, start: Callable[[Run], None]) -> bool:
    """Resume a run or start it; True where a finished one left nothing to do."""
    context, group = run.context, run.group
    if group.is_main:
        lease.take(context.checkpoint_dir)
        context.fetch()
    if resume(run):
        run.say(f"resumed at step {run.step} of {run.planned}")
    else:
        start(run)
    if group.broadcast(run.done and outputs_whole(context.model_dir)):
        run.say(f"finished before: the model is in {context.model_address}")
        run.close()
        return True
    if group.is_main:
        context.withdraw("metrics.json")  # no gate may read an old one
    run.log.truncate(run.step)
    return False


def start_from(run: Run) -> None:
    """Load the weights of a previous stage, when `from` names one."""
    if run.settings.from_ is None:
        return
    given = local_path(run.settings.from_)
    path = checkpoint.newest(given)
    try:
        if (path / checkpoint.STATE).is_file():
            weights = state.read(path, run.model).model
        else:
            path = given / "model.safetensors"
            check_model(given)
            weights = load_file(path)
        load_weights(run.model, weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise TrainerError(f"cannot start from {path}: {reason}") from None
    run.say(f"started from {path}")


def train_and_finish(run: Run, write_outputs: Callable[[], None]) -> int:
    """Take all steps that are left, then write the model; returns the exit code."""
    try:
        if train(run):
            write_outputs()
            return 0
        run.say(f"stopped at step {run.step} of {run.planned}, checkpoint saved")
        return TERMINATED if run.group.any(run.stop.asked)[0] else TIME_IS_UP
    finally:
        run.close()


def finish(run: Run, textures: Textures) -> None:
    """Write the model directory; metrics.json comes last."""
    run.step, loss = load_export(run)
    metrics = {f"val_{name}": value for name, value in run.measured().items()} | {"loss": loss}
    weights, directory = full_weights(run.model), run.context.model_dir
    if not run.group.is_main:
        return
    for name, value in metrics.items():
        run.log.add(run.step, "final", name, value)
    run.log.flush()
    images = (len(run.train), len(run.validation))
    trained = Trained(run.settings, run.step, run.model, weights, textures, images, metrics)
    write_model(directory, trained)
    write_metrics(directory, metrics, run.step)
    run.context.publish()
    name = f"val_{run.headline}"
    print(f"finished: {name} {metrics[name]:.4f}, model in {run.context.model_address}")


def load_export(run: Run) -> tuple[int, float]:
    """Load the weights that `export` asks for into the model; returns their step and loss."""
    root, group = run.context.checkpoint_dir, run.group
    best = checkpoint.best(root) if group.is_main and run.settings.export == "best" else None
    step = group.broadcast(None if best is None else checkpoint.step_of(best))
    if step is None or step == run.step:
        return run.step, run.loss
    found = state.load(checkpoint.directory_of(root, step), run.model, run.identity)
    load_weights(run.model, found.model)
    run.say(f"the best checkpoint is that of step {step}")
    return found.step, found.loss


# ---- The run


@dataclass(slots=True)
class Run:
    """Everything a training run works with; `step` counts finished steps.

    `model` holds the weights; `wrapped` is how a step calls it.
    """

    settings: TrainSettings
    context: RunContext
    model: Network
    wrapped: Wrapped
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
    saver: checkpoint.Saver = field(default_factory=checkpoint.Saver)
    copies: dict[str, state.HostCopies] = field(
        default_factory=lambda: {"model": state.HostCopies(), "moments": state.HostCopies()}
    )
    started: float = field(default_factory=time.monotonic)  # of the program

    @property
    def answering(self) -> bool:
        """Whether this stage trains the answer; stage `relevance` trains the scorers only."""
        return self.settings.stage != "relevance"

    @property
    def group(self) -> ProcessGroup:
        """The processes that train together."""
        return self.wrapped.group

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

    def losses(self, images: Tensor) -> Loss:
        """Losses of the training images of an index tensor.

        The network computes in the wanted precision, the losses are computed in float32.
        """
        batch, keep = self.train.batch(images), self.model.keep_at(self.step)
        with autocast(self.settings.precision, batch.textures.device):
            output = self.wrapped.call(
                batch.textures, batch.tokens, batch.question, answering=self.answering, keep=keep
            )
        settings = self.settings
        return objective(in_float32(output), batch, settings, keep, hard=settings.hard)

    def measured(self) -> dict[str, float]:
        """Metrics on the validation images."""
        return measure(self.model, self.validation, batch=50, answering=self.answering)

    def say(self, text: str) -> None:
        """Print a line, once for all processes."""
        if self.group.is_main:
            print(text, flush=True)

    def close(self) -> None:
        """Close the log, and let others write into the directory of checkpoints."""
        self.log.close()
        lease.release(self.context.checkpoint_dir)

    def progress(self) -> checkpoint.Progress:
        """Where the run stands."""
        epoch = self.step // self.per_epoch
        return checkpoint.Progress(self.step, epoch, self.planned, self.done, self.loss, self.score)


# ---- The loop


def train(run: Run) -> bool:
    """Train until done; False when interrupted before. Either way the last step is saved."""
    clock = Clock()
    while not run.done:
        loss = train_step(run)
        note(run, loss)
        if run.group.is_main:
            report_progress(run, clock)
        run.score = None
        if run.step % run.per_epoch == 0:
            evaluate_epoch(run)
        leaving, saving = run.group.any(run.interrupted, run.group.is_main and due(run))
        if run.done or leaving or run.score is not None or saving:
            save(run)
        if leaving:
            break
    run.saver.wait()
    run.group.barrier()  # nobody leaves before the checkpoint is there: torchrun would end the others
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
    return elapsed >= checkpoint.best_interval(run.saver.cost, run.settings.mtbi)


def evaluate_epoch(run: Run) -> None:
    """Measure on the validation images at the end of an epoch."""
    metrics = run.measured()
    for name, value in metrics.items():
        run.log.add(run.step, "validation", name, value)
    run.score = run.group.broadcast(metrics[run.headline])
    better = run.best is None or run.score > run.best
    run.best, run.stale = (run.score, 0) if better else (run.best, run.stale + 1)
    if run.group.is_main:
        report_tuning(run.context, f"val_{run.headline}", run.score, run.step)
    run.say(f"epoch {run.step // run.per_epoch}: val_{run.headline} {run.score:.4f}")


def note(run: Run, loss: Loss) -> None:
    """Write losses and rate of a step to the log, in full precision."""
    parts = {"loss": loss.total, "answer_loss": loss.answer, "relevance_loss": loss.relevance}
    for name, value in (parts | {"budget_loss": loss.budget}).items():
        run.log.add(run.step, "train", name, value.item())
    rate = learning_rate(run.settings, run.step - 1, run.planned)
    run.log.add(run.step, "train", "learning_rate", rate)


def report_progress(run: Run, clock: Clock) -> None:
    """Print a line now and then."""
    clock.steps += 1
    if run.step % run.settings.log_every and run.step != run.planned:
        return
    rate = run.optimizer.param_groups[0]["lr"]
    stall = f" save stall {1000 * run.saver.stall:.1f} ms" if run.saver.stall >= 0 else ""
    print(
        f"step {run.step}/{run.planned} loss {run.loss:.4f} lr {rate:.2e} "
        f"{clock.speed(run.settings.batch, run.planned - run.step)}{stall}",
        flush=True,
    )


# ---- A step


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
        raise TrainerError(non_finite_loss(run, value))
    run.wrapped.clip(settings.clip)
    run.optimizer.step()
    run.step, run.loss = run.step + 1, value
    return loss


def accumulate_gradients(run: Run) -> Loss:
    """Add up the gradients of the step's images, part by part; returns their mean losses.

    Every part counts by its number of images, so that the sum is the gradient of the whole. The
    losses come to the CPU together: it waits once a step for the GPU, before the optimizer's step.
    """
    settings, group = run.settings, run.group
    images = step_index(len(run.train), settings.batch, settings.seed, run.step)
    parts = parts_of(images, group.rank, group.world_size, settings.accumulate)
    sums: list[Tensor] = []
    for number, part in enumerate(parts, start=1):
        weight = len(part) / len(images)
        with run.wrapped.last_part(number == len(parts)):
            loss = run.losses(part)
            # DDP and FSDP average over processes what is to be added up.
            torch.autograd.backward(loss.total * (weight * group.world_size))
        values = [getattr(loss, field.name) for field in fields(loss)]
        sums.append(torch.stack(values).detach() * weight)
    run.wrapped.finish_gradients()
    return Loss(*group.all_reduce(torch.stack(sums).sum(0)).cpu().unbind())


def learning_rate(settings: TrainSettings, step: int, planned: int) -> float:
    """Rate of a step (from 0): linear warmup, then a cosine down to zero."""
    warmup = max(1, round(settings.warmup * planned))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, planned - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


# ---- The loss

HARD = 2.0  # weight of a wrong answer in stage hard


@dataclass(frozen=True, slots=True)
class Loss:
    """The whole loss and its unweighted parts, all scalars."""

    total: Tensor
    answer: Tensor
    relevance: Tensor
    budget: Tensor


class Weighing(Protocol):
    """The numbers of the objective: those of the settings, or tensors in their place."""

    @property
    def relevance_weight(self) -> float | Tensor:
        """Weight of the relevance loss."""

    @property
    def budget_weight(self) -> float | Tensor:
        """Weight of the budget loss."""

    @property
    def budget_target(self) -> float | Tensor:
        """Wanted mean budget in tokens."""


def objective(
    output: Output | Answers, batch: Batch, settings: Weighing, keep: int, *, hard: bool
) -> Loss:
    """CE(answer) + w_r BCE(relevance, mask) + w_b (mean budget / target - 1)^2.

    The answer counts 0 where none was asked for (stage `relevance`); relevance and budgets count 0
    for a network without selection. `hard` is stage `hard`: see `answer_loss`.
    """
    nothing = batch.relevance.new_zeros(())
    answer, relevance, budget = nothing, nothing, nothing
    if output.logits is not None:
        answer = answer_loss(output.logits, batch.answer, hard=hard)
    if isinstance(output, Output):
        relevance = relevance_loss(output.relevance, batch.relevance)
        mean_budget = output.budgets.sum(-1) / keep
        budget = ((mean_budget / settings.budget_target - 1) ** 2).mean()
    total = answer + settings.relevance_weight * relevance + settings.budget_weight * budget
    return Loss(total, answer, relevance, budget)


def answer_loss(logits: Tensor, answer: Tensor, *, hard: bool) -> Tensor:
    """Mean cross-entropy of logits [B, Q, answers]; answer -1 is unknown and counts nothing.

    In stage `hard` a question that the network gets wrong in this very step counts HARD times: a
    function of the step's weights and images alone, so that resuming needs nothing more.
    """
    flat, truth = logits.flatten(0, 1), answer.flatten()
    if not hard:
        return functional.cross_entropy(flat, truth, ignore_index=-1)
    each = functional.cross_entropy(flat, truth, ignore_index=-1, reduction="none")
    weight = 1 + (HARD - 1) * (flat.argmax(-1) != truth)
    return (weight * each).sum() / (truth >= 0).sum().clamp_min(1)


def in_float32(output: Output | Answers) -> Output | Answers:
    """Bring what the network says to f32; masks stay what they are."""
    numbers = {
        name: value.float()
        for name, value in output._asdict().items()
        if value is not None and value.is_floating_point()
    }
    return output._replace(**numbers)


# ---- What is saved of a run, and how it continues from it


def save(run: Run) -> None:
    """Flush the log, then let the saver write a checkpoint and drop the oldest."""
    run.saver.save(lambda: prepare_save(run))


def prepare_save(run: Run, *, check_now: bool = False) -> Callable[[], None]:
    """Copy the run as it is now; returns what checks and writes the copy, in a thread.

    With `check_now` a state that cannot be continued is told here, before the next step.
    """
    run.log.flush()
    found, progress = snapshot(run), run.progress()
    root, keep = run.context.checkpoint_dir, run.settings.keep_checkpoints
    if check_now:
        state.refuse_non_finite(found, root)

    def write() -> None:
        state.refuse_non_finite(found, root)
        groups = state.describe_groups(found.model)
        try:
            run.context.publish()  # the log: what a checkpoint's step needs is there before it
            checkpoint.save(root, progress, groups, state.pieces(found))
            checkpoint.prune(root, keep, progress.step)
        except OSError as error:
            raise TrainerError(f"{error}; {checkpoint.last_good(root)}") from None

    return write if run.group.is_main else lambda: None


def snapshot(run: Run) -> state.State:
    """Collect the state; its tensors are copies of their own, good until the next snapshot."""
    weights, moments = full_weights(run.model), state.moments(run.model, run.optimizer)
    random = run.group.all_gather(state.random_state())
    if run.group.is_main:
        weights, moments = run.copies["model"].take(weights), run.copies["moments"].take(moments)
    return state.State(
        step=run.step,
        loss=run.loss,
        best=run.best,
        stale=run.stale,
        identity=run.identity,
        model=weights,
        moments=moments,
        random=random,
    )


def non_finite_loss(run: Run, value: float) -> str:
    """Say where the loss broke and which checkpoint is still good, after the one under way."""
    run.saver.wait()
    return f"the loss is {value} at step {run.step + 1}; {checkpoint.last_good(run.context.checkpoint_dir)}"


def resume(run: Run) -> bool:
    """Continue from the newest undamaged checkpoint; False where there is none."""
    found = load_together(run)
    if found is None:
        return False
    load_weights(run.model, found.model)
    state.restore_moments(run.model, run.optimizer, found.moments)
    restore_generators(run, found)
    run.step, run.loss = found.step, found.loss
    run.best, run.stale = found.best, found.stale
    return True


def restore_generators(run: Run, found: state.State) -> None:
    """Continue the random numbers of this process, or draw new ones where their number changed."""
    group, then = run.group, len(found.random)
    if then == group.world_size:
        state.restore_random_state(found.random[group.rank])
        return
    reseed(run.settings.seed, found.step + 1, group.rank)
    run.say(
        f"saved by {then} process{'es' * (then > 1)}, continued by {group.world_size}: "
        "new random numbers, not bit for bit"
    )


def load_together(run: Run) -> state.State | None:
    """Load the checkpoint that rank 0 finds to be the newest undamaged one."""
    root, group = run.context.checkpoint_dir, run.group
    found = state.load_newest(root, run.model, run.identity) if group.is_main else None
    step = group.broadcast(None if found is None else found.step)
    if step is None or group.is_main:
        return found
    return state.load(checkpoint.directory_of(root, step), run.model, run.identity)
