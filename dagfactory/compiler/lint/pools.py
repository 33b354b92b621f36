"""Pools that the environment does not declare: Airflow never starts a task in a pool it does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import closest, either, shorten
from dagfactory.language.common import is_open
from dagfactory.language.environment import DEFAULT_POOL

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath

_HELP = "declare it under `pools:` of the environment file"


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find pools that are not declared, and tasks that want more slots than their pool has."""
    environment = plan.environment
    if environment is None or not environment.lists_pools:
        return
    slots = {name: pool.slots for name, pool in environment.pools.items()}
    for path, pool in _named(plan):
        if pool not in slots and pool != DEFAULT_POOL and not is_open(pool):
            message = (
                f"the environment `{environment.environment}` declares no pool `{shorten(pool)}`"
            )
            near = closest(pool, list(slots))
            help_ = f"did you mean {either(near)}?" if near else _HELP
            yield Diagnostic("DF341", message, Pointer(path), help=help_)
    for path, pool, wanted in _wanted(plan):
        # the size of Airflow's own pool is a setting of the installation
        if wanted > slots.get(pool, wanted):
            message = (
                f"{wanted} slots are more than the {slots[pool]} of the pool `{shorten(pool)}`"
            )
            yield Diagnostic("DF341", message, Pointer(path), help="the task would never start")


def _named(plan: Plan) -> Iterator[tuple[KeyPath, str]]:
    """Yield every pool that is named, with its place."""
    if plan.pipeline.defaults.pool:
        yield ("defaults", "pool"), plan.pipeline.defaults.pool
    for item in plan.tasks.values():
        if item.task.pool:
            yield (*item.path, "pool"), item.task.pool


def _wanted(plan: Plan) -> Iterator[tuple[KeyPath, str, int]]:
    """Yield the pool of each task and the slots it takes there, with the place that says how many."""
    defaults = plan.pipeline.defaults
    for item in plan.tasks.values():
        pool = item.task.pool or defaults.pool or DEFAULT_POOL
        if item.task.pool_slots:
            yield (*item.path, "pool_slots"), pool, item.task.pool_slots
        elif defaults.pool_slots:
            yield ("defaults", "pool_slots"), pool, defaults.pool_slots
