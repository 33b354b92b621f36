"""Amounts in words."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagfactory.cost.terms import Term


def dollars(usd: float) -> str:
    """Return an amount: $1,234.50."""
    return f"${usd:,.2f}"


def whole(usd: float) -> int:
    """Return two leading digits of an amount, rounded up: a budget that holds it."""
    step = 10 ** max(floor(log10(usd)) - 1, 0) if usd > 1 else 1
    return ceil(usd / step) * step


def amount(value: float) -> str:
    """Return a number with up to three digits behind the point, none that is 0."""
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def counted(number: float, noun: str) -> str:
    """Return a number of things: 1 job, 2 jobs; units of measure stay as they are."""
    plural = "s" if noun in {"job", "run", "small step"} and number != 1 else ""
    return f"{amount(number)} {noun}{plural}"


def formula(term: Term) -> str:
    """Return how a term comes about: 3 jobs x 2 machines x 0.5 h (assumed) x $7.99."""
    rate = f"${term.rate:,.4f}/{term.unit}"
    work = term.work
    if work is None:
        return f"{counted(term.amount, term.unit)} ({term.kind}) x {rate}"
    factors = []
    if work.jobs != 1 or work.trials > 1:
        trials = f" of {work.trials:,} trials" if work.trials > work.jobs else ""
        factors.append(f"{counted(work.jobs, 'job')}{trials}")
    if work.replicas != 1:
        factors.append(f"{amount(work.replicas)} machines")
    factors.append(f"{amount(work.hours)} h ({term.kind})")
    if work.lost:
        factors.append(f"{1 / (1 - work.lost):.3f} (preemptions)")
    return " x ".join([*factors, rate])
