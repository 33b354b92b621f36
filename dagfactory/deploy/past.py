"""`dagfactory history` and `dagfactory rollback` from their arguments to their exit codes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from dagfactory.compiler.compile import compile_environment
from dagfactory.deploy.carry_out import Place, Wanted, carry_out, open_place, origin
from dagfactory.deploy.destination import destination_of
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.history import Found, Version, deployed
from dagfactory.deploy.pool_import import pool_import_command
from dagfactory.deploy.show import show_done, show_dry_run, show_plan
from dagfactory.deploy.verified import Asker, verified
from dagfactory.diagnostics.terminal import safe
from dagfactory.language.environment import EnvironmentFile
from dagfactory.project.specs import NoInputError
from dagfactory.report import print_findings


@dataclass(frozen=True, slots=True)
class RollbackOptions:
    """The arguments of `rollback`; `arrival` is that of `Place`, `verify` asks Airflow, if at all."""

    version: int
    environment: str
    to: str | None
    dry_run: bool
    yes: bool
    arrival: float = 0.0
    verify: Asker | None = None


def rollback(options: RollbackOptions) -> int:
    """Bring a destination to an earlier version; return the exit code. Raises DagfactoryError."""
    environment = _environment(options.environment)
    if environment is None:
        return 1
    place = open_place(destination_of(options.to, [environment]), options.arrival)
    version = _find(place, options.version)
    bundle = place.history.bundle(version)
    wanted = Wanted(bundle, remove_left=options.yes, rolled_back=version.version)
    planned = wanted.plan(place.store)
    show_plan(planned)
    if options.dry_run:
        show_dry_run(planned, place.store.address, confirmed=options.yes)
        return 0
    made = carry_out(wanted, planned, place, origin(), confirmed=options.yes)
    show_done(planned, place.store.address, made)
    sys.stderr.write(pool_import_command(planned, environment, place.store.address))
    if options.verify and not verified(bundle, place, environment, options.verify):
        return 1
    return 0


def history(environment: str, to: str | None, form: str) -> int:
    """Print the versions of a destination, the newest first; return the exit code."""
    found = _environment(environment)
    if found is None:
        return 1
    place = open_place(destination_of(to, [found]))
    versions = place.history.read_all(place.history.look())[::-1]
    if not versions:
        raise NoInputError(f"{place.store.address} has no history; the next sync begins it")
    known = deployed(versions, place.manifest())
    text = _json(versions, known) if form == "json" else _table(versions, known)
    sys.stdout.write(text)
    return 0


def _environment(name: str) -> EnvironmentFile | None:
    """Read an environment; None where its file has findings, which are printed."""
    front = compile_environment(name)
    return None if print_findings(front.diagnostics, front.sources) else front.environment


def _find(place: Place, number: int) -> Version:
    found: Found = place.history.look()
    if number in found.versions:
        return place.history.read(number, found.versions[number])
    known = f"{min(found.versions)} to {max(found.versions)}" if found.versions else "none"
    raise RefusedError(f"{place.store.address} has no version {number}; it has {known}")


def _table(versions: list[Version], known: list[int]) -> str:
    rows = [_row(each, known) for each in versions]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "".join(f"{line}\n" for line in lines)


def _row(version: Version, known: list[int]) -> tuple[str, ...]:
    what = version.changes.summary()
    if version.rolled_back:
        what += f"; rolled back to {version.rolled_back}"
    if known and version.version not in known and version.version > min(known):
        what += "; cut off"
    number = f"{'*' if known[:1] == [version.version] else ' '} {version.version}"
    digits, _, modified = version.commit.partition(",")
    commit = f"{digits[:7]}{',' if modified else ''}{modified}" or "-"
    cells = (number, version.at, version.who, commit, what)
    # others may write to the bucket
    return tuple(safe(cell, sys.stdout.encoding) for cell in cells)


def _json(versions: list[Version], known: list[int]) -> str:
    data = {
        "schema_version": 1,
        "live": known[0] if known else None,
        "deployed": known,
        "versions": [each.model_dump(exclude={"format"}) for each in versions],
    }
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"
