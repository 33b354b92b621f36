"""`dagfactory sync` from its arguments to its exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dagfactory.compiler.build import build, environments_of
from dagfactory.compiler.record import Record
from dagfactory.deploy.carry_out import Wanted, carry_out, open_place, origin
from dagfactory.deploy.destination import choose_destination
from dagfactory.deploy.diff_text import diff_text
from dagfactory.deploy.errors import DestinationError
from dagfactory.deploy.pool_import import pool_import_command
from dagfactory.deploy.saved_plan import SavedPlan, read
from dagfactory.deploy.show import show_done, show_dry_run, show_plan
from dagfactory.deploy.stale import refuse_stale
from dagfactory.deploy.verified import Asker, verified
from dagfactory.project.specs import SPECS, find_specs
from dagfactory.report import print_findings


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The arguments of the command.

    `arrival` is that of `Place`, `plan` the file of a saved plan, `verify` asks Airflow, if at all.
    """

    paths: tuple[Path, ...]
    environment: str
    to: str | None
    dry_run: bool
    check: bool
    yes: bool
    diff: bool = False
    arrival: float = 0.0
    plan: Path | None = None
    verify: Asker | None = None


def sync(options: SyncOptions) -> int:
    """Sync, or show what a sync would do; return the exit code. Raises DagfactoryError."""
    saved = read(options.plan) if options.plan else None
    if saved:
        options = _as_planned(options, saved)
    specs, name = find_specs(options.paths or (SPECS,)), options.environment
    built = build(specs, name, Record("render", name))
    if print_findings(built.diagnostics, built.sources) or built.bundle is None:
        return 1
    environments = environments_of(specs, name)
    destination = choose_destination(options.to, environments, built.bundle)
    place = open_place(destination, options.arrival)
    some = any(not path.is_dir() for path in options.paths)
    # a saved plan is carried out as it is: it names no left file
    wanted = Wanted(built.bundle, remove_left=options.yes and not saved, some=some)
    planned = wanted.plan(place.store)
    if saved:
        refuse_stale(saved, wanted.bundle, planned)
    show_plan(planned)
    if options.diff:
        sys.stdout.write(diff_text(planned, place.store, sys.stdout.encoding))
        sys.stdout.flush()
    if options.dry_run or options.check:
        show_dry_run(planned, place.store.address, confirmed=options.yes)
        return 1 if options.check and (planned or planned.left) else 0
    version = carry_out(wanted, planned, place, origin(options.plan), confirmed=options.yes)
    show_done(planned, place.store.address, version)
    environment = next(iter(environments), None)
    sys.stderr.write(pool_import_command(planned, environment, place.store.address))
    if options.verify and not verified(built.bundle, place, environment, options.verify):
        return 1
    return 0


def _as_planned(options: SyncOptions, saved: SavedPlan) -> SyncOptions:
    """Return the arguments that a saved plan was made with; raises DestinationError for others."""
    if options.paths:
        raise DestinationError("a plan names its specs itself; leave the paths away")
    for name, given, planned in (
        ("--env", options.environment, saved.environment),
        ("--to", options.to, saved.destination),
    ):
        if given not in (None, "", planned):
            raise DestinationError(f"the plan is for {planned}; leave {name} away, or plan again")
    paths = tuple(map(Path, saved.specs))
    return replace(options, paths=paths, environment=saved.environment, to=saved.destination)
