"""`dagfactory sync` from its arguments to its exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from dagfactory.compiler.build import build, environments_of
from dagfactory.compiler.bundle.bundle import Bundle
from dagfactory.compiler.record import Record
from dagfactory.deploy.apply import apply, plan_sync
from dagfactory.deploy.destination import choose_destination, import_path_warning, package_warning
from dagfactory.deploy.diff_text import diff_text
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan, confirm_removals
from dagfactory.deploy.plan_text import left_text, plan_summary, plan_text
from dagfactory.deploy.pool_import import pool_import_command
from dagfactory.deploy.stores import Store, open_store
from dagfactory.diagnostics.terminal import safe
from dagfactory.language.environment import EnvironmentFile
from dagfactory.project.specs import SPECS, find_specs
from dagfactory.report import print_findings


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The arguments of the command."""

    paths: tuple[Path, ...]
    environment: str
    to: str | None
    dry_run: bool
    check: bool
    yes: bool
    diff: bool = False


def sync(options: SyncOptions) -> int:
    """Sync, or show what a sync would do; return the exit code. Raises DagfactoryError.

    The plan goes to standard output, everything else to standard error.
    """
    specs, name = find_specs(options.paths or (SPECS,)), options.environment
    built = build(specs, name, Record("render", name))
    if print_findings(built.diagnostics, built.sources) or built.bundle is None:
        return 1
    environments = environments_of(specs, name)
    store = _open(options.to, environments, built.bundle)
    planned = plan_sync(built.bundle, store, remove_left=options.yes)
    if any(not path.is_dir() for path in options.paths):
        planned = confirm_removals(planned)
    sys.stdout.write(plan_text(planned, sys.stdout.encoding))
    if options.diff:
        sys.stdout.write(diff_text(planned, store, sys.stdout.encoding))
    sys.stdout.flush()
    if options.dry_run or options.check:
        return _dry_run(planned, store, options)
    apply(planned, store, confirmed=options.yes)
    _say(left_text(planned))
    _say(f"{store.address}: {plan_summary(planned)}")
    sys.stderr.write(pool_import_command(planned, next(iter(environments), None), store.address))
    return 0


def _open(to: str | None, environments: list[EnvironmentFile], bundle: Bundle) -> Store:
    """Open the destination; warn where something would not be found from there."""
    # before the store is opened: a wrong path is known without credentials
    destination = choose_destination(to, environments)
    warnings = (
        import_path_warning(destination, environments[0].package if environments else ""),
        package_warning(destination, bundle.manifest),
    )
    for each in filter(None, warnings):
        _say(f"warning: {each}")
    return open_store(destination)


def _dry_run(planned: SyncPlan, store: Store, options: SyncOptions) -> int:
    """Print what a sync would print; return 1 for differences if `check` is set."""
    if planned.refused:
        raise RefusedError("; ".join(planned.refused))
    if not options.yes:
        for reason in planned.confirm:
            _say(f"needs --yes: {reason}")
    _say(left_text(planned))
    _say(f"{store.address}: {plan_summary(planned)} (nothing was written)")
    return 1 if options.check and (planned or planned.left) else 0


def _say(line: str) -> None:
    """Print a line, unless it is empty; it may hold text of the destination."""
    if line:
        sys.stderr.write(f"{safe(line, 'utf-8')}\n")
