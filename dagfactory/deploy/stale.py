"""Whether a saved plan is still the one that a sync would carry out."""

from __future__ import annotations

from dagfactory.compiler.bundle.bundle import Bundle
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan
from dagfactory.deploy.saved_plan import SavedPlan, bundle_hashes

SHOWN = 3


def refuse_stale(saved: SavedPlan, bundle: Bundle, planned: SyncPlan) -> None:
    """Raise RefusedError where the specs, or the destination, are not as they were planned."""
    made = bundle_hashes(bundle)
    if differ := sorted(path for path, _ in made.items() ^ saved.bundle.items()):
        names = ", ".join(dict.fromkeys(differ[: 2 * SHOWN])) + (" …" * (len(differ) > 2 * SHOWN))
        raise RefusedError(f"the specs render to other files than planned ({names}); plan again")
    if saved.manifest_generation != planned.generation:
        raise RefusedError(f"{saved.destination} was synced since it was planned; plan again")
    if saved.state not in ("", planned.state):
        raise RefusedError(f"somebody changed {saved.destination} since it was planned; plan again")
