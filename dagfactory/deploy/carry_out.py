"""A plan carried out, and nothing else: under a lock, with a version of the history for it."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dagfactory.compiler.bundle.bundle import MANIFEST, Bundle
from dagfactory.deploy import waiting
from dagfactory.deploy.adopt import adopt
from dagfactory.deploy.apply import agree, apply, plan_sync
from dagfactory.deploy.destination import history_address
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.history import Changes, Found, History, Version, digest
from dagfactory.deploy.plan import SyncPlan, confirm_removals, phase
from dagfactory.deploy.stores import NEW, Lock, Store, open_store
from dagfactory.diagnostics.terminal import safe
from dagfactory.project.commit import commit_of
from dagfactory.project.files import root

ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN")
"""Variables in which a CI names who started it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a destination shall become: a bundle, and how to go about the files that are there.

    `some` says that only some of the specs are in the bundle; `rolled_back` is the version that it
    comes from, 0 for one of a commit.
    """

    bundle: Bundle
    remove_left: bool = False
    some: bool = False
    rolled_back: int = 0

    def plan(self, store: Store) -> SyncPlan:
        """Plan the way there; only reads."""
        planned = plan_sync(
            self.bundle, store, remove_left=self.remove_left, rolled_back=self.rolled_back
        )
        return confirm_removals(planned) if self.some else planned


@dataclass(frozen=True, slots=True)
class Place:
    """A destination and its history; `arrival` is how long files take from there to Airflow, in s."""

    store: Store
    history: History
    arrival: float = 0.0

    def manifest(self) -> bytes | None:
        """Return the manifest that is there, None for none."""
        item = self.store.listing().get(MANIFEST)
        return self.store.read(MANIFEST, generation=item.generation) if item else None


def open_place(destination: str, arrival: float = 0.0) -> Place:
    """Open a destination and its history; folders have their files at once."""
    store, history = open_store(destination), open_store(history_address(destination))
    return Place(store, History(history), arrival if destination.startswith("gs://") else 0.0)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who deploys, from which commit, when, and by which saved plan (its hash, empty for none)."""

    who: str
    commit: str
    plan: str = ""
    at: str = field(
        default_factory=lambda: (
            datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
        )
    )


def origin(plan: Path | None = None) -> Origin:
    """Return the origin of what this process deploys."""
    return Origin(_who(), commit_of(root()), digest(plan.read_bytes() if plan else None))


def carry_out(
    wanted: Wanted, planned: SyncPlan, place: Place, by: Origin, *, confirmed: bool = False
) -> int:
    """Carry out the plan that was made before, or nothing; return the version's number, 0 for none.

    Raises RefusedError where the destination is not as it was when the plan was made.
    """
    agree(planned, confirmed=confirmed)
    if not planned:
        return 0
    with place.history.store.lock() as lock:
        if wanted.plan(place.store) != planned:
            raise RefusedError(
                f"the destination is not as planned: {place.store.address} changed; run sync again"
            )
        found = _look(planned, place, by)
        version = _version(wanted, planned, place.history, found, by)
        before = _before(planned, place, lock, partial(_record, place.history, version))
        apply(planned, place.store, confirmed=confirmed, before=before)
        if version is None:
            return 0
        with suppress(RefusedError):  # what is too much goes after the next sync
            lock.check()
            place.history.prune()
    return version.version


def _look(planned: SyncPlan, place: Place, by: Origin) -> Found:
    """List the history; where there is none yet, begin it with what the destination holds."""
    found = place.history.look()
    if found.versions or planned.before is None:
        return found
    adopt(place.store, place.history, planned.before, by.at)
    return place.history.look()


def _before(
    planned: SyncPlan, place: Place, lock: Lock, record: Callable[[], None]
) -> Callable[[int], None]:
    """Return what is done ahead of each phase."""
    first = {phase(each.path) for each in planned.writes}

    def before(number: int) -> None:
        # Composer brings files one by one and in no order: a DAG could come before its runtime
        if number == 1 and 0 in first and place.arrival:
            sys.stderr.write(f"waiting {place.arrival:g} s for new code to arrive\n")
            waiting.pause(place.arrival)
        lock.check()
        if number == phase(MANIFEST):
            record()

    return before


def _version(
    wanted: Wanted, planned: SyncPlan, history: History, found: Found, by: Origin
) -> Version | None:
    """Bring the files of a version to the history and return it; None where no manifest is written."""
    manifest = next((each.content for each in planned.writes if each.path == MANIFEST), None)
    if manifest is None:
        return None
    return Version(
        version=max(found.versions, default=0) + 1,
        at=by.at,
        who=by.who,
        commit=by.commit,
        plan=by.plan,
        environment=json.loads(wanted.bundle.manifest)["environment"],
        rolled_back=wanted.rolled_back,
        changes=_changes(planned),
        replaces=digest(planned.before),
        manifest=digest(manifest),
        files=history.keep(wanted.bundle, found),
    )


def _record(history: History, version: Version | None) -> None:
    if version:
        history.write(version)


def _changes(planned: SyncPlan) -> Changes:
    written = [each for each in planned.writes if each.path != MANIFEST]
    return Changes(
        added=[each.path for each in written if each.generation == NEW],
        changed=[each.path for each in written if each.generation != NEW],
        removed=[each.path for each in planned.deletes],
    )


def _who() -> str:
    """Return who runs this: whom CI names, or the user of this machine."""
    named = next(filter(None, map(os.environ.get, ACTORS)), "")
    try:
        return safe(named or getpass.getuser(), "utf-8")[:100]
    except (KeyError, OSError):  # a container may run as a number without a name
        return str(os.getuid())
