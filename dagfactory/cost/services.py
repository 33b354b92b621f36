"""What a pipeline costs beside its jobs: endpoints, predictions, queries, storage, Composer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.cost.hours import hours_of
from dagfactory.cost.jobs import times
from dagfactory.cost.rates import Rates, machine_parts, serving_parts
from dagfactory.cost.runs import HOURS
from dagfactory.cost.terms import Part, Rate, Term, Work

if TYPE_CHECKING:
    from dagfactory.cost.terms import Kind, Planned, PlannedTask
    from dagfactory.language.money import ComposerCost

NO_COMPOSER = (
    "Cloud Composer: how many DCUs an environment uses is not published; take it from your bill and"
    " write `prices: {composer: {month: …}}` into the environment"
)
_UNPRICED = {
    "dataflow": "Dataflow: its workers are not priced",
    "kubernetes": "Kubernetes: what a pod costs is its cluster's",
    "pipeline": "compiled pipelines: the machines of their steps are not priced",
    "operator": "other operators: what they start is not priced",
}

_COUNTED = {"replicas": ("deploy",), "tib": ("bigquery", "gate")}
"""Keys of the usage file that count for these types of tasks only."""


def endpoint(plan: Planned, name: str, item: PlannedTask, rates: Rates) -> Iterator[Term]:
    """Yield what a deployed version costs in a month; raises UnknownPriceError."""
    machine = item.task.field("machine")
    said = plan.pipeline.usage.tasks.get(name)
    given = said.replicas if said else None
    region = _region(plan)
    parts = machine_parts(rates, machine.type, machine.accelerator, region, "standard")
    work = Work(
        machine=machine.type,
        region=region,
        provisioning="standard",
        hours=HOURS,
        replicas=given or machine.min_replicas,
    )
    kind: Kind = "given" if given else "by the spec"
    what = f"{machine.type}, always on"
    path = (*item.path, "machine", "type")
    yield Term(name, what, work.machine_hours, "hour", kind, serving_parts(parts), work, path)


def prediction(plan: Planned, name: str, item: PlannedTask, rates: Rates) -> Iterator[Term]:
    """Yield what a batch prediction costs; nothing where Vertex AI chooses the machines."""
    machine = item.task.field("machine")
    if machine is None:
        return
    region, hours = _region(plan), hours_of(plan.pipeline.usage, name)
    parts = machine_parts(rates, machine.type, machine.accelerator, region, "standard")
    work = Work(
        machine=machine.type,
        region=region,
        provisioning="standard",
        hours=hours.value,
        jobs=times(item.task),
        replicas=machine.replicas or 1,
    )
    what, path = f"{machine.type} standard", (*item.path, "machine", "type")
    made = serving_parts(parts)
    yield Term(name, what, work.machine_hours, "hour", hours.kind, made, work, path)


def query(plan: Planned, name: str, item: PlannedTask, rates: Rates) -> Iterator[Term]:
    """Yield what the queries of a task cost, if it is said how much they read."""
    said = plan.pipeline.usage.tasks.get(name)
    rate = rates.service("bigquery_query", _region(plan))
    if said and said.tib and rate:
        parts = (Part("query", 1, rate),)
        amount = said.tib * times(item.task)
        yield Term(name, "BigQuery, on demand", amount, "TiB", "given", parts, path=item.path)


def pipeline_run(plan: Planned, name: str, item: PlannedTask, rates: Rates) -> Iterator[Term]:
    """Yield what Vertex AI Pipelines takes for the run of a compiled pipeline."""
    rate = rates.service("pipeline_run", _region(plan))
    if rate:
        what, parts = "run of Vertex AI Pipelines", (Part("run", 1, rate),)
        yield Term(name, what, times(item.task), "run", "by the spec", parts, path=item.path)


def storage(plan: Planned, rates: Rates) -> Iterator[Term]:
    """Yield what is kept in Cloud Storage, if it is said how much."""
    kept = plan.pipeline.usage.storage_gb
    rate = rates.service("storage", _region(plan))
    if kept and rate:
        yield Term("storage", "Cloud Storage", kept, "GB-month", "given", (Part("GB", 1, rate),))


def composer(plan: Planned, rates: Rates) -> Iterator[Term]:
    """Yield the pipeline's part of Cloud Composer, if the environment says what that costs."""
    said = rates.own.composer if rates.own else None
    if said is None:
        return
    parts = tuple(_composer_parts(said, rates, _region(plan)))
    what = "Cloud Composer" + (f", 1 of {said.pipelines} parts" if said.pipelines > 1 else "")
    yield Term("composer", what, 1 / said.pipelines, "month", "given", parts)


def _composer_parts(said: ComposerCost, rates: Rates, region: str) -> Iterator[Part]:
    if said.month is not None:
        bill = Rate(said.month, "month", f"{said.date:%Y-%m-%d}", said.source)
        yield Part("Composer", 1, bill)
        return
    used = (("composer3_dcu", said.dcu), ("composer_database", said.database_gib))
    for item, amount in used:
        rate = rates.service(item, region)
        if amount and rate:
            yield Part(item, amount * HOURS, rate)


def notes(plan: Planned, rates: Rates) -> Iterator[str]:
    """Yield what the sums lack, and what a reader would not expect of them."""
    usage, kinds = plan.pipeline.usage, [item.task.type for item in plan.tasks.values()]
    if rates.own is None or rates.own.composer is None:
        yield NO_COMPOSER
    read = [
        name
        for name, item in plan.tasks.items()
        if (item.task.type == "bigquery" or item.task.field("query")) and not _tib(plan, name)
    ]
    if read:
        yield f"BigQuery: what {_named(read)} reads; write `tib` into the usage file"
    if usage.storage_gb is None:
        yield "Cloud Storage: write `storage_gb` into the usage file"
    elif rates.service("storage", _region(plan)) is None:
        yield f"Cloud Storage: no price of it is known in `{_region(plan)}`"
    if rates.service("disk_pd_ssd", _region(plan)) is None:
        yield f"boot disks: no price of them is known in `{_region(plan)}`"
    yield from (text for kind, text in _UNPRICED.items() if kind in kinds)
    yield from _about_tasks(plan)
    yield from _uncounted(plan)


def _uncounted(plan: Planned) -> Iterator[str]:
    """Yield what the usage file says of a task and no sum counts."""
    for name, item in plan.tasks.items():
        said = plan.pipeline.usage.tasks.get(name)
        for key, types in _COUNTED.items():
            if said and getattr(said, key) and item.task.type not in types:
                yield f"`{name}`: its `{key}` counts nothing; only that of {' and '.join(types)} does"


def _about_tasks(plan: Planned) -> Iterator[str]:
    for name, item in plan.tasks.items():
        if item.task.type == "deploy":
            yield f"`{name}`: one version; each run adds another that stays until it is undeployed"
        if isinstance(item.task.for_each, str):
            yield f"`{name}`: only a run knows for how many items; it is counted once"
        if item.task.field("persistent_resource"):
            yield f"`{name}`: its persistent resource is paid whether it runs or not"


def _tib(plan: Planned, name: str) -> float | None:
    said = plan.pipeline.usage.tasks.get(name)
    return said.tib if said else None


def _named(names: list[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)


def _region(plan: Planned) -> str:
    return plan.environment.region if plan.environment else ""
