"""How long a job takes: measured, given, or assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagfactory.language.usage import Preemptions

if TYPE_CHECKING:
    from dagfactory.cost.terms import Kind
    from dagfactory.language.usage import Usage

ASSUMED = 1.0
"""Hours of a job of which nothing is said."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of one job, and where the number comes from."""

    value: float
    kind: Kind


def hours_of(usage: Usage, task: str) -> Hours:
    """Return the hours of one job of a task."""
    said = usage.tasks.get(task)
    if said is None or said.hours is None:
        return Hours(ASSUMED, "assumed")
    return Hours(said.hours, "measured" if said.measured else "given")


def lost(usage: Usage, hours: Hours, provisioning: str) -> float:
    """Return the share of a job's time that preemptions are expected to take."""
    # what was measured has them in it
    if provisioning != "spot" or hours.kind == "measured":
        return 0.0
    return (usage.preemptions or Preemptions()).overhead
