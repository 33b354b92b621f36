"""`python -m trainer --trials=…`: train several trials at the same time on one device.

A pack is a way to compute, not another kind of run: every trial has the checkpoints, metrics and
model directory of a run of its own, under BASE/NAME, and may be continued alone or in another pack.
"""

import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from trainer import secrets, state
from trainer.config import read_values
from trainer.devices import prepare
from trainer.errors import TIME_IS_UP, TrainerError
from trainer.pack_loop import Pack, train
from trainer.pack_settings import read_trials
from trainer.pack_stack import Member
from trainer.saver import Saver
from trainer.settings import TrainSettings
from trainer.signals import EXIT, StopRequest
from trainer.train import Data, assemble, finished_before, read_data, start_from
from trainer.vertex import RunContext, read_context


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
    if base.cluster.world > 1:
        raise TrainerError(f"packed trials train on one machine, not {base.cluster.world}")
    name, first = next(iter(trials.items()))
    device = prepare(first)
    secrets.load(os.environ)
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
    return EXIT if stop.asked else TIME_IS_UP
