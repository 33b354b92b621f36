"""What the jobs of a run would cost otherwise: bought in another way, elsewhere, without Vertex AI's fee."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dagfactory.catalogue.machines import shapes
from dagfactory.catalogue.prices import COMPUTE, WAYS, priced_regions
from dagfactory.cost.jobs import AS_WRITTEN, Change, Job, job_terms, jobs
from dagfactory.cost.rates import Rates, UnknownPriceError, rates_of
from dagfactory.cost.terms import total

if TYPE_CHECKING:
    from dagfactory.cost.terms import Cost, Planned

_REGIONS = 3
"""Regions that are shown, the cheapest ones."""
_CENT = 1 / 100


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a run would cost; `kept` of its tasks with jobs stay as written, having no such price."""

    name: str
    usd: float
    kept: int = 0


def alternatives(plan: Planned, cost: Cost) -> list[Alternative]:
    """Return what a run would cost otherwise, for a plan whose machines all have a price."""
    rates = rates_of(plan.environment)
    ours = [(job, total(job_terms(plan, job, rates))) for job in jobs(plan)]
    other = _Otherwise(plan, ours, cost.run_usd - sum(usd for _, usd in ours), rates)
    on_gke = other.priced("on GKE, without Vertex AI's fee", replace(rates, table=COMPUTE))
    # what is bought so already is the line above; a region with the same prices is worth knowing
    ways = [each for each in other.ways() if abs(each.usd - cost.run_usd) >= _CENT]
    return [each for each in (*ways, *other.regions(), on_gke) if each.kept < len(ours)]


@dataclass(frozen=True, slots=True)
class _Otherwise:
    """The jobs of a plan with what each costs as written, and what a run costs beside them."""

    plan: Planned
    jobs: list[tuple[Job, float]]
    beside: float
    rates: Rates

    def ways(self) -> Iterator[Alternative]:
        """Yield each way to buy machines, for all jobs that can have it."""
        for way in WAYS:
            yield self.priced(f"all {way.replace('_', '-')}", self.rates, Change(provisioning=way))

    def regions(self) -> list[Alternative]:
        """Return the cheapest other regions that have a price of everything."""
        own = self.plan.environment.region if self.plan.environment else ""
        names = {each for job, _ in self.jobs for each in priced_regions(job.machine.type)} - {own}
        made = [self.priced(f"in {each}", self.rates, Change(each)) for each in sorted(names)]
        return sorted((each for each in made if not each.kept), key=lambda each: each.usd)[
            :_REGIONS
        ]

    def priced(self, name: str, rates: Rates, change: Change = AS_WRITTEN) -> Alternative:
        """Return what a run costs with a change to each job that can have it."""
        changed = [(self._usd(job, rates, change), usd) for job, usd in self.jobs]
        kept = sum(usd is None for usd, _ in changed)
        return Alternative(
            name, self.beside + sum(as_is if usd is None else usd for usd, as_is in changed), kept
        )

    def _usd(self, job: Job, rates: Rates, change: Change) -> float | None:
        shape, gpu = shapes().get(job.machine.type), job.machine.accelerator
        # a price in a list does not make a machine one that is sold so
        sold = shape.ways(gpu.type if gpu else "") if shape else ()
        if change.provisioning and change.provisioning not in sold:
            return None
        try:
            return total(job_terms(self.plan, job, rates, change))
        except UnknownPriceError:
            return None
