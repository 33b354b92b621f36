"""The loop of a pack: runs step together, and leave one by one when they are done or broken."""

import contextlib
import io
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from trainer import state
from trainer.dataset import Textures
from trainer.errors import TrainerError
from trainer.export import finish
from trainer.loop import due, note, validate
from trainer.objective import Loss
from trainer.pack_stack import Member, Stack
from trainer.pack_step import step
from trainer.snapshot import prepare_save
from trainer.step import non_finite


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
            member.run.log.close()
            self.members.remove(member)

    @contextlib.contextmanager
    def attempt(self, member: Member) -> Iterator[None]:
        """Let a member fail alone: the error is kept and printed, the others go on."""
        try:
            with named(member.name):
                yield
        except TrainerError as error:
            self.failed[member.name] = str(error)
            self.members.remove(member)
            print(f"{member.name}: error: {error}", file=sys.stderr, flush=True)


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
        clock.report(members, losses)
        leaving = members[0].run.interrupted
        close_step(pack, [each for each in members if each in pack.members], leaving)
        if leaving and pack.members:
            return False
    return True


def advance(member: Member, loss: Loss) -> None:
    """Count the step of one member; raises TrainerError when its loss is not finite."""
    run, value = member.run, loss.total.item()
    if not math.isfinite(value):
        raise TrainerError(non_finite(run, value))
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
                validate(member.run)
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


class Clock:
    """Progress lines of a pack."""

    def __init__(self) -> None:
        self.started, self.steps = time.monotonic(), 0

    def report(self, members: Sequence[Member], losses: Sequence[Loss]) -> None:
        """Print a line now and then: the range of the losses, the speed of all members together."""
        run = members[0].run
        self.steps += len(members)
        if run.step % run.settings.log_every and run.step != run.planned:
            return
        speed = self.steps / max(time.monotonic() - self.started, 1e-9)
        left = sum(each.run.planned - each.run.step for each in members) / speed
        values = [loss.total.item() for loss in losses]
        print(
            f"step {run.step}/{run.planned} trials {len(members)} "
            f"loss {min(values):.4f} to {max(values):.4f} "
            f"{speed * run.settings.batch:.0f} images/s ETA {left:.0f}s",
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
