"""`dagfactory sync` from its arguments to its exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from dagfactory.compiler.compile import Built, build
from dagfactory.deploy.carry_out import Place, Wanted, carry_out, open_place, origin
from dagfactory.deploy.destination import choose_destination, import_path_warning, package_warning
from dagfactory.deploy.diff_text import diff_text
from dagfactory.deploy.errors import DestinationError
from dagfactory.deploy.pool_import import pool_import_command
from dagfactory.deploy.saved_plan import SavedPlan, read
from dagfactory.deploy.show import say, show_done, show_dry_run, show_plan
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
    arrival: float = 0.0
    plan: Path | None = None
    verify: Asker | None = None
    diff: bool = False


def sync(options: SyncOptions) -> int:
    """Sync, or show what a sync would do; return the exit code. Raises DagfactoryError."""
    saved = read(options.plan) if options.plan else None
    if saved:
        options = _as_planned(options, saved)
    built = build(find_specs(options.paths or (SPECS,)), options.environment)
    if print_findings(built.diagnostics, built.sources) or built.bundle is None:
        return 1
    place = _open(options, built)
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
    environment = built.plans[0].environment
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


def _open(options: SyncOptions, built: Built) -> Place:
    """Open the destination; warn where something would not be found from there."""
    # before the store is opened: a wrong path is known without credentials
    destination = choose_destination(options.to, built.plans)
    warnings = (
        import_path_warning(destination, built.plans[0].package),
        package_warning(destination, built.bundle.manifest) if built.bundle else None,
    )
    for each in filter(None, warnings):
        say(f"warning: {each}")
    return open_place(destination, options.arrival)
