"""What is saved of a run, and how a run continues from it."""

from collections.abc import Callable

from trainer import checkpoint, state
from trainer.errors import TrainerError
from trainer.parallel import full_weights, load_weights
from trainer.place import Place
from trainer.run import Run
from trainer.step import last_good


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
        refuse_non_finite(found, root)

    def write() -> None:
        refuse_non_finite(found, root)
        run.context.publish()  # the log: what a checkpoint's step needs is there before it
        groups = checkpoint.describe_groups(found.model)
        checkpoint.save(root, progress, groups, state.pieces(found))
        checkpoint.prune(root, keep, progress.step)

    return write if run.team.leads else lambda: None


def refuse_non_finite(found: state.State, root: Place) -> None:
    """Raise TrainerError instead of saving what cannot be continued."""
    problem = state.non_finite(found)
    if problem:
        raise TrainerError(f"{problem} after step {found.step}; {last_good(root)}")


def snapshot(run: Run) -> state.State:
    """Collect the state; its tensors are copies of their own, good until the next snapshot."""
    weights, moments = full_weights(run.model), state.moments(run.model, run.optimizer)
    random = run.team.gather(state.random_state())
    if run.team.leads:
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


def resume(run: Run) -> bool:
    """Continue from the newest undamaged checkpoint; False where there is none."""
    found = load_together(run)
    if found is None:
        return False
    load_weights(run.model, found.model)
    state.restore_moments(run.model, run.optimizer, found.moments)
    state.restore_random_state(found.random[run.team.rank])
    run.step, run.loss = found.step, found.loss
    run.best, run.stale = found.best, found.stale
    return True


def load_together(run: Run) -> state.State | None:
    """Load the checkpoint that rank 0 finds to be the newest undamaged one."""
    root, team = run.context.checkpoint_dir, run.team
    found = checkpoint.load_newest(root, run.model, run.identity) if team.leads else None
    step = team.follow(None if found is None else found.step)
    if step is None or team.leads:
        return found
    return checkpoint.load(checkpoint.directory_of(root, step), run.model, run.identity)
