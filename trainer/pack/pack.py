"""`python -m trainer --trials=…`: train several trials at the same time on one device.

A pack is a way to compute, not another kind of run: every trial has the checkpoints, metrics and
model directory of a run of its own, under BASE/NAME, and may be continued alone or in another pack.
The runs of a pack step together, and leave one by one when they are done or broken.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from trainer.checkpoint import state
from trainer.checkpoint.checkpoint import Saver
from trainer.config import read_trials, read_values
from trainer.data.dataset import Textures
from trainer.distributed import prepare
from trainer.errors import TERMINATED, TIME_IS_UP, TrainerError
from trainer.pack.stack import Member, Stack, step
from trainer.report.metrics import Clock
from trainer.settings import TrainSettings
from trainer.train import (
    Data,
    Loss,
    assemble,
    due,
    evaluate_epoch,
    finish,
    finished_before,
    non_finite_loss,
    note,
    prepare_save,
    read_data,
    start_from,
)
from trainer.vertex import RunContext, StopRequest, load_secrets, read_context


@dataclass(frozen=True, slots=True)
class Common:
    """What all trials of a program share."""

    base: RunContext
    data: Data
    stop: StopRequest
    started: float
    alike: bool


def main(argv: Sequence[str]) -> int:
    """Train all trials, pack after pack, or resume them; returns the exit code."""
    values, started = read_values(argv), time.monotonic()
    packing, trials = read_trials(values)
    stop = StopRequest().install()
    output = values.get("output")
    base = read_context(os.environ, str(output) if output else None)
    if base.cluster.machines > 1:
        raise TrainerError(f"packed trials train on one machine, not {base.cluster.machines}")
    name, first = next(iter(trials.items()))
    device = prepare(first)
    load_secrets(os.environ)
    data = read_data(first, base.below(name), device)
    alike = len({(settings.seed, settings.from_) for settings in trials.values()}) == 1
    common = Common(base, data, stop, started, alike)
    failed: list[str] = []
    for part in parts(trials, packing.pack or len(trials)):
        pack = open_pack(part, common)
        if not train(pack):
            return stopped(pack, stop)
        failed += pack.failed
    if failed:
        raise TrainerError(f"{len(failed)} of {len(trials)} trials failed: {', '.join(failed)}")
    return 0


def parts(trials: Mapping[str, TrainSettings], size: int) -> Iterator[dict[str, TrainSettings]]:
    """Cut trials into parts of a size; the last may be smaller."""
    rest = iter(trials.items())
    while part := dict(itertools.islice(rest, size)):
        yield part


def open_pack(trials: Mapping[str, TrainSettings], common: Common) -> Pack:
    """Start or resume each trial; one that cannot be is left out and said."""
    pack, saver = Pack([], common.data.textures, common.alike), Saver()
    for name, settings in trials.items():
        device = prepare(settings)
        run = assemble(settings, common.base.below(name), common.data, common.stop)
        run.saver, run.started = saver, common.started
        member = Member(name, run, state.random_state(), torch.Generator(device))
        pack.members.append(member)
        with pack.attempt(member):
            if finished_before(run, start_from):
                pack.members.remove(member)
            member.remember()
        if run.done and member in pack.members:
            pack.finish(member)
    return pack


def stopped(pack: Pack, stop: StopRequest) -> int:
    """Say where the trials stand; returns the exit code."""
    for member in pack.members:
        run = member.run
        print(f"{member.name}: stopped at step {run.step} of {run.planned}, checkpoint saved")
    return TERMINATED if stop.asked else TIME_IS_UP


@dataclass(slots=True)
class Pack:
    """The runs that still train, and why others could not go on.

    Who is done or broken leaves, and its tensors with it.
    """

    members: list[Member]
    textures: Textures
    alike: bool  # one seed and one model to start from, in all packs of the program
    failed: dict[str, str] = field(default_factory=dict)

    def front(self) -> list[Member]:
        """Return the members that are furthest behind: they step next.

        All of them, unless a kill fell between the checkpoints of two members.
        """
        least = min((each.run.step for each in self.members), default=0)
        return [each for each in self.members if each.run.step == least]

    def finish(self, member: Member) -> None:
        """Write the outputs of a member that is done, and let it leave."""
        with self.attempt(member):
            finish(member.run, self.textures)
            member.run.close()
            self.members.remove(member)

    @contextlib.contextmanager
    def attempt(self, member: Member) -> Iterator[None]:
        """Let a member fail alone: the error is kept and printed, the others go on."""
        try:
            with named(member.name):
                yield
        except Exception as error:  # noqa: BLE001 - a bug in one is no reason to lose the others
            told = str(error) if isinstance(error, TrainerError | OSError) else repr(error)
            self.failed[member.name] = told
            member.run.close()
            if member in self.members:
                self.members.remove(member)
            print(f"{member.name}: error: {told}", file=sys.stderr, flush=True)


def train(pack: Pack) -> bool:
    """Train and finish every member; False when interrupted before. All last steps are saved."""
    stack: Stack | None = None
    clock = Clock()
    while members := pack.front():
        if stack is None or stack.members != members:
            stack = Stack(members, alike=pack.alike)
        losses = step(stack)
        for member, loss in zip(members, losses, strict=True):
            with pack.attempt(member):
                advance(member, loss)
        report_progress(clock, members, losses)
        leaving = members[0].run.interrupted
        close_step(pack, [each for each in members if each in pack.members], leaving)
        if leaving and pack.members:
            return False
    return True


def advance(member: Member, loss: Loss) -> None:
    """Count the step of one member; raises TrainerError when its loss is not finite."""
    run, value = member.run, loss.total.item()
    if not math.isfinite(value):
        raise TrainerError(non_finite_loss(run, value))
    run.step, run.loss, run.score = run.step + 1, value, None
    note(run, loss)


def close_step(pack: Pack, members: list[Member], leaving: bool) -> None:
    """Measure at the end of an epoch, save where that is due, and finish what is done."""
    if not members:
        return
    lead = members[0].run
    if lead.step % lead.per_epoch == 0:
        for member in members:
            with pack.attempt(member):
                evaluate_epoch(member.run)
    scored = any(member.run.score is not None for member in members)
    if leaving or scored or due(lead):
        lead.saver.save(lambda: prepare_saves(pack, members))
    if leaving or scored:
        lead.saver.wait()
    for member in members:
        if member.run.done and member in pack.members:
            pack.finish(member)


def prepare_saves(pack: Pack, members: Sequence[Member]) -> Callable[[], None]:
    """Copy every member as it is now; returns what writes the copies, one after another."""
    writes: list[Callable[[], None]] = []
    for member in members:
        with pack.attempt(member):
            state.restore_random_state(member.random_state())
            writes.append(prepare_save(member.run, check_now=True))

    def write() -> None:
        for each in writes:
            each()

    return write


def report_progress(clock: Clock, members: Sequence[Member], losses: Sequence[Loss]) -> None:
    """Print a line now and then: the range of the losses, the speed of all members together."""
    run = members[0].run
    clock.steps += len(members)
    if run.step % run.settings.log_every and run.step != run.planned:
        return
    left = sum(each.run.planned - each.run.step for each in members)
    values = [loss.total.item() for loss in losses]
    print(
        f"step {run.step}/{run.planned} trials {len(members)} "
        f"loss {min(values):.4f} to {max(values):.4f} {clock.speed(run.settings.batch, left)}",
        flush=True,
    )


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """Begin each line that is printed inside with a name."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        for line in said.getvalue().splitlines():
            print(f"{name}: {line}", flush=True)
