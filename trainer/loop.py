"""The training loop: one step after another, resumable at any of them."""

import time

from trainer.clock import Clock
from trainer.metrics import report_tuning
from trainer.objective import Loss
from trainer.run import Run
from trainer.saver import best_interval
from trainer.snapshot import save
from trainer.step import learning_rate, train_step


def train(run: Run) -> bool:
    """Train until done; False when interrupted before. Either way the last step is saved."""
    clock = Clock(run.step)
    while not run.done:
        loss = train_step(run)
        note(run, loss)
        if run.team.leads:
            clock.report(run)
        run.score = None
        if run.step % run.per_epoch == 0:
            validate(run)
        leaving, saving = run.team.any(run.interrupted, run.team.leads and due(run))
        if run.done or leaving or run.score is not None or saving:
            save(run)
        if leaving:
            break
    run.saver.wait()
    run.team.wait()  # nobody leaves before the checkpoint is there: torchrun would end the others
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
    """Write losses and rate of a step to the log, in full precision."""
    parts = {"loss": loss.total, "answer_loss": loss.answer, "relevance_loss": loss.relevance}
    for name, value in (parts | {"budget_loss": loss.budget}).items():
        run.log.add(run.step, "train", name, value.item())
    rate = learning_rate(run.settings, run.step - 1, run.planned)
    run.log.add(run.step, "train", "learning_rate", rate)


def validate(run: Run) -> None:
    """Measure on the validation images at the end of an epoch."""
    metrics = run.measured()
    for name, value in metrics.items():
        run.log.add(run.step, "validation", name, value)
    run.score = run.team.follow(metrics[run.headline])
    better = run.best is None or run.score > run.best
    run.best, run.stale = (run.score, 0) if better else (run.best, run.stale + 1)
    if run.team.leads:
        report_tuning(run.context, f"val_{run.headline}", run.score, run.step)
    run.say(f"epoch {run.step // run.per_epoch}: val_{run.headline} {run.score:.4f}")
