"""What is saved of a run, and how a run continues from it."""

from collections.abc import Callable
from typing import Any

import torch

from trainer import checkpoint, state
from trainer.errors import TrainerError
from trainer.run import Run
from trainer.step import last_good


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
    run.step, run.loss = found.step, found.loss
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
