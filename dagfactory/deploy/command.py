"""`dagfactory sync` from its arguments to its exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from dagfactory.compiler.compile import Built, build
from dagfactory.deploy.after import reminder
from dagfactory.deploy.apply import apply, survey
from dagfactory.deploy.destination import choose, misplaced
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan, of_some_specs
from dagfactory.deploy.show import summary, text
from dagfactory.deploy.stores import Store, open_store
from dagfactory.project.specs import SPECS, find_specs
from dagfactory.report._show import show


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of the command."""

    paths: tuple[Path, ...]
    environment: str
    to: str | None
    dry_run: bool
    check: bool
    yes: bool


def run(request: Request) -> int:
    """Sync, or show what a sync would do; return the exit code. Raises DagfactoryError."""
    built = build(find_specs(request.paths or (SPECS,)), request.environment)
    if show(built.diagnostics, built.sources) or built.bundle is None:
        return 1
    store = _open(request.to, built)
    made = survey(built.bundle, store)
    if any(not path.is_dir() for path in request.paths):
        made = of_some_specs(made)
    sys.stdout.write(text(made))
    sys.stdout.flush()
    if request.dry_run or request.check:
        return _shown(made, store, request)
    apply(made, store, confirmed=request.yes)
    sys.stderr.write(f"{store.address}: {summary(made)}\n")
    sys.stderr.write(reminder(made, built.plans[0].environment, store.address))
    return 0


def _open(to: str | None, built: Built) -> Store:
    """Open the destination; warn where the DAG files may not find their runtime."""
    destination = choose(to, built.plans)
    warning = misplaced(destination, built.plans[0].package)
    if warning:
        sys.stderr.write(f"warning: {warning}\n")
    return open_store(destination)


def _shown(made: SyncPlan, store: Store, request: Request) -> int:
    """Say what a sync would say, and return 1 for differences where that is asked."""
    if made.refused:
        raise RefusedError("; ".join(made.refused))
    if not request.yes:
        sys.stderr.writelines(f"needs --yes: {reason}\n" for reason in made.confirm)
    sys.stderr.write(f"{store.address}: {summary(made)} (nothing was written)\n")
    return 1 if request.check and made else 0
