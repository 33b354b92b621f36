"""The parts of a price: rates, what is used of them, and their sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from dagfactory.diagnostics.diagnostic import Diagnostic
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.language.task import TaskBase

Kind = Literal["measured", "given", "assumed", "by the schedule", "by the spec"]
"""Where an amount comes from."""


class PlannedTask(Protocol):
    """What this room asks of a task of a plan."""

    @property
    def task(self) -> TaskBase:
        """Return the task."""

    @property
    def path(self) -> KeyPath:
        """Return its place in the spec."""


class Planned(Protocol):
    """What this room asks of a plan."""

    @property
    def pipeline(self) -> Pipeline:
        """Return the pipeline, which knows what is said of its usage."""

    @property
    def environment(self) -> EnvironmentFile | None:
        """Return the environment."""

    @property
    def tasks(self) -> Mapping[str, PlannedTask]:
        """Return all tasks by id, those of groups too."""


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars a unit, the day when they held, and who says so."""

    usd: float
    unit: str
    date: str
    source: str


@dataclass(frozen=True, slots=True)
class Part:
    """So many of something at a rate: one machine, two GPUs, 100 GB of disk."""

    name: str
    count: float
    rate: Rate

    @property
    def usd(self) -> float:
        """Return the US dollars of one unit of the term."""
        return self.count * self.rate.usd


@dataclass(frozen=True, slots=True)
class Work:
    """How the machine hours of a term come about.

    `lost` is the share of a Spot job's time that preemptions are expected to take.
    """

    machine: str
    region: str
    provisioning: str
    hours: float
    jobs: float = 1
    trials: int = 0
    replicas: float = 1
    lost: float = 0.0

    @property
    def machine_hours(self) -> float:
        """Return the hours of all machines together."""
        return self.jobs * self.replicas * self.hours / (1 - self.lost)


@dataclass(frozen=True, slots=True)
class Term:
    """One line of an estimate: an amount of what its parts are the rates of.

    `path` is the place in the spec that it comes from.
    """

    name: str
    what: str
    amount: float
    unit: str
    kind: Kind
    parts: tuple[Part, ...]
    work: Work | None = None
    path: KeyPath = ()

    @property
    def rate(self) -> float:
        """Return the US dollars of one unit."""
        return sum(each.usd for each in self.parts)

    @property
    def usd(self) -> float:
        """Return the US dollars of the term."""
        return self.amount * self.rate


def total(terms: Iterable[Term]) -> float:
    """Return the US dollars of all terms."""
    return sum(each.usd for each in terms)


@dataclass(frozen=True, slots=True)
class Runs:
    """How many runs a month has, and by what it is known."""

    count: float
    kind: Kind
    words: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What a pipeline costs: the terms of a run, and those of a month that runs do not change.

    `problems` are machines without a price, which the sums lack; `notes` say what else they lack.
    """

    pipeline: str
    environment: str
    region: str
    run: tuple[Term, ...]
    standing: tuple[Term, ...]
    runs: Runs
    problems: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def run_usd(self) -> float:
        """Return the US dollars of a run."""
        return total(self.run)

    @property
    def month_usd(self) -> float:
        """Return the US dollars of a month."""
        return self.runs.count * self.run_usd + total(self.standing)
