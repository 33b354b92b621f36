"""List a destination, plan a sync, and carry the plan out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby

from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle
from dagfactory.deploy import parallel
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan, phase, plan
from dagfactory.deploy.stores import Store, StoredFile
from dagfactory.project.files import MOST


def plan_sync(
    bundle: Bundle, store: Store, *, remove_left: bool = False, rolled_back: int = 0
) -> SyncPlan:
    """Plan how a destination becomes a bundle; at most two requests, and only reads.

    `remove_left` and `rolled_back` are those of `plan`.
    """
    listing = store.listing()
    manifest = remote_manifest(bundle, listing.get(MANIFEST), store)
    return plan(bundle, listing, manifest, remove_left=remove_left, rolled_back=rolled_back)


def apply(
    plan: SyncPlan,
    store: Store,
    *,
    confirmed: bool = False,
    before: Callable[[int], None] = lambda _phase: None,
) -> None:
    """Carry a plan out: the runtime, DAG files, `.airflowignore`, the manifest, then deletions.

    `before` is called ahead of each phase that has writes. Raises RefusedError for a plan that may not be
    carried out, DestinationChangedError when somebody else has changed the destination. What was written
    until then stays; the next sync continues from it.
    """
    agree(plan, confirmed=confirmed)
    store.tidy()
    # One phase after the other: Airflow reads the folder meanwhile, and a DAG file must not be there
    # before the runtime that it imports. The manifest comes last, it makes the sync count as done.
    for number, writes in groupby(plan.writes, key=lambda write: phase(write.path)):
        before(number)
        parallel.in_parallel(
            partial(store.write, each.path, each.content, generation=each.generation)
            for each in writes
        )
    parallel.in_parallel(
        partial(store.delete, each.path, generation=each.generation) for each in plan.deletes
    )


def agree(plan: SyncPlan, *, confirmed: bool) -> None:
    """Raise RefusedError for a plan that may not be carried out, or not without a confirmation."""
    reasons = plan.refused or (() if confirmed else plan.confirm)
    if reasons:
        hint = "" if plan.refused else "; add --yes to agree"
        raise RefusedError("; ".join(reasons) + hint)


def remote_manifest(bundle: Bundle, item: StoredFile | None, store: Store) -> bytes | None:
    """Return the content of a listing's manifest, None where it lists none."""
    if item is None:
        return None
    if item.has_content(bundle.manifest):  # with nothing to do, the listing stays the only request
        return bundle.manifest
    if item.size > MOST:
        return b""  # whoever wrote that, it is not a manifest
    return store.read(MANIFEST, generation=item.generation)
