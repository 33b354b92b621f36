"""`pack` of a sweep: trials that one job trains together, and in what they may differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.catalogue import bundled_trainer
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.task_api.trainer_jobs import runs_bundled_trainer
from dagfactory.tasks._sweep.model import Sweep
from dagfactory.tasks._sweep.search import places

if TYPE_CHECKING:
    from dagfactory.language.pipeline import Pipeline


def names(task: Sweep) -> list[str]:
    """Return the names of everything that differs between trials."""
    return [*task.spaces, *(["seed"] if task.seeds else [])]


def packing(task: Sweep, pipeline: Pipeline) -> dict[str, Any]:
    """Return what the definition of a sweep says about packs; nothing without `pack`.

    `shape` names what must be equal in all trials of a job.
    """
    if not task.pack or _steered(task):
        return {}
    may_differ = _known(task, pipeline) if task.pack.varying is None else task.pack.varying
    shape = [name for name in names(task) if name not in (may_differ or ())]
    return {"pack": task.pack.trials, **({"shape": shape} if shape else {})}


def _steered(task: Sweep) -> bool:
    """Whether a run decides which trials there are, so that none can be planned together."""
    return task.halving is not None or task.method == "bayes"


def _known(task: Sweep, pipeline: Pipeline) -> tuple[str, ...] | None:
    """Return what the trainer lets differ in a pack; None for a program that does not tell."""
    ours = task.module == "trainer" and runs_bundled_trainer(task, pipeline)
    return bundled_trainer.varying() if ours else None


def problems(task: Sweep, pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Find packs of a program that does not tell what may differ, or that it does not train."""
    if not task.pack:
        return
    if _steered(task):
        message = f"with `method: {task.method}` a run decides which trials there are"
        help_ = "delete `pack`; `grid`, `random` and `sobol` can be packed"
        yield Diagnostic("DF226", message, Pointer(("pack",), key=True), help=help_)
        return
    known = _known(task, pipeline)
    if known is None and task.pack.varying is None:
        program = f"`{task.module}`" if task.module else "this program"
        message = f"{program} does not tell which hyperparameters may differ in a pack"
        help_ = "if it takes `--trials`, write `pack: {trials: N, varying: [NAME, ...]}`"
        yield Diagnostic("DF226", message, Pointer(("pack",), key=True), help=help_)
    for index, name in enumerate(task.pack.varying or ()):
        path = ("pack", "varying", index)
        if name not in names(task):
            message, near = f"unknown hyperparameter `{name}`", did_you_mean(name, names(task))
            yield Diagnostic("DF226", message, Pointer(path), help=near)
        elif known is not None and name not in known:
            message = f"`{task.module}` keeps `{name}` equal in a pack"
            help_ = f"delete it; what may differ: {', '.join(known)}"
            yield Diagnostic("DF226", message, Pointer(path), help=help_)
    if known is not None:
        yield from _alone(task)


def _alone(task: Sweep) -> Iterator[Diagnostic]:
    """Find what the trainer does only in a run of its own."""
    help_ = "delete it, or delete `pack`"
    if task.machine and task.machine.replicas > 1:
        path: tuple[str, ...] = ("machine", "replicas")
        yield Diagnostic("DF226", "a pack trains on one machine", Pointer(path), help=help_)
    for name in bundled_trainer.single_run_settings():
        for place in places(task, name):
            message = f"`{task.module}` trains no pack with `{name}`"
            yield Diagnostic("DF226", message, Pointer(place, key=True), help=help_)
