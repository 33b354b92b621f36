"""Runs as they are shown: experiments with their trials, jobs, tasks, gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Curve = tuple[Sequence[float], Sequence[float]]
"""Steps and values."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task, or one instance of a mapped one, as Airflow saw it."""

    name: str
    state: str
    tries: int = 1
    began: str = ""
    ended: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a gate decided, why, and on which values."""

    name: str
    passed: bool
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One job on Vertex AI: where it ran, when, how it ended, what it cost.

    `folder` is where it writes. `choice` counts the fallbacks before it; `restarts` how often its machine
    was taken away and given back. `usd` is None where no price is known.
    """

    name: str
    task: str
    folder: str
    state: str
    began: str
    ended: str
    machine: str
    region: str
    provisioning: str
    choice: int = 0
    restarts: int = 0
    hours: float | None = None
    usd: float | None = None
    reason: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """What one job of an experiment was given and what it brought, or the reason why nothing.

    `order` is its place among the trials as the sweep lists them; `files` are the sizes of what the best one
    made, by their paths below its folder.
    """

    name: str
    folder: str
    parameters: Mapping[str, Any]
    value: float | None = None
    problem: str = ""
    state: str = ""
    ended: str = ""
    order: int = 0
    hours: float | None = None
    usd: float | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Experiment:
    """The trials of a sweep, or the one result of any other task, best first, and what ranks them."""

    task: str
    metric: str
    goal: str
    trials: tuple[Trial, ...]
    is_sweep: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run: who it is, how it went, what it brought; `notes` say what could not be read."""

    source: str
    pipeline: str
    name: str
    state: str = ""
    began: str = ""
    ended: str = ""
    experiments: tuple[Experiment, ...] = ()
    tasks: tuple[Task, ...] = ()
    gates: tuple[Gate, ...] = ()
    jobs: tuple[Job, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usd(self) -> float | None:
        """What its jobs cost; None where no price of any is known."""
        return total(each.usd for each in self.jobs)

    @property
    def hours(self) -> float | None:
        """The hours of its jobs, added up."""
        return total(each.hours for each in self.jobs)


def total(values: Any) -> float | None:
    """Add up what is known; None where nothing is."""
    known = [each for each in values if each is not None]
    return sum(known) if known else None
