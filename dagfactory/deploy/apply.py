"""Looking at a destination and carrying a plan out there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby

from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan, phase, plan
from dagfactory.deploy.stores import Item, Store

PARALLEL = 8
"""Uploads at a time; the client library's connection pool holds ten."""


def survey(bundle: Bundle, store: Store) -> SyncPlan:
    """List a destination once, read its manifest where it is not the bundle's own, and plan."""
    listing = store.listing()
    return plan(bundle, listing, _manifest(bundle, listing.get(MANIFEST), store))


def apply(plan: SyncPlan, store: Store, *, confirmed: bool = False) -> None:
    """Carry a plan out: the runtime, DAG files, `.airflowignore`, the manifest, then deletions.

    Raises RefusedError for a plan that may not be carried out, MovedError when the destination is
    not as planned any more. What was written until then stays, and the next sync goes on from it.
    """
    reasons = plan.refused or (() if confirmed else plan.confirm)
    if reasons:
        hint = "" if plan.refused else "; add --yes to agree"
        raise RefusedError("; ".join(reasons) + hint)
    for _, writes in groupby(plan.writes, key=lambda write: phase(write.path)):
        _together(
            partial(store.write, each.path, each.content, generation=each.generation)
            for each in writes
        )
    _together(partial(store.delete, each.path, generation=each.generation) for each in plan.deletes)


def _manifest(bundle: Bundle, item: Item | None, store: Store) -> bytes | None:
    if item is None:
        return None
    if item.holds(bundle.manifest):
        return bundle.manifest
    return store.read(MANIFEST, generation=item.generation)


def _together(calls: Iterable[Callable[[], None]]) -> None:
    """Make calls side by side; the first failure stops those that have not begun."""
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        for future in [pool.submit(call) for call in calls]:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)
