"""Checking many specs for all their environments, with every finding said once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, cast

from dagfactory.compiler.build import outcomes_of, sources_of
from dagfactory.compiler.compile import Compiled, compile_spec
from dagfactory.compiler.outcome import Outcome, collisions, outcome_of
from dagfactory.diagnostics.diagnostic import Diagnostic, tidy
from dagfactory.diagnostics.source import Sources
from dagfactory.report import Findings

if TYPE_CHECKING:
    from dagfactory.compiler.record import Record
    from dagfactory.project.code import Reads


def check_specs(
    specs: Iterable[Path], environment: str | None, record: Record | None = None
) -> Findings:
    """Check specs for one environment, or for each they can be rendered for, or bare if none.

    With a record only those are compiled that changed since.
    """
    start = perf_counter()
    paths, reads = list(specs), cast("Reads", {})
    outcomes = outcomes_of(paths, lambda path: _check(path, environment, reads), record)
    found = [each for item in outcomes for each in item.diagnostics]
    found += collisions(outcomes)
    seconds = perf_counter() - start
    tasks = sum(each.tasks for each in outcomes)
    named = ((each.name[0], each.sweeps) for each in outcomes if each.name)
    sweeps = tuple(f"{name}: {line}" for name, lines in named for line in lines)
    sources = Sources(sources_of(paths))
    return Findings(tuple(tidy(found)), sources, len(paths), tasks, seconds, sweeps)


def _check(path: Path, environment: str | None, reads: Reads) -> Outcome:
    """Compile one spec for each environment, and look at what differs between them."""
    # here: where every spec is known, nothing is compiled
    from dagfactory.compiler.between_lines import differing_dates
    from dagfactory.compiler.parse import environments

    names: list[str | None] = [environment] if environment else [*environments(path)] or [None]
    results = {name: compile_spec(path, name, reads) for name in names}
    found = _joined(results)
    found += differing_dates(each.draft for each in results.values() if each.draft)
    return outcome_of(found, list(results.values()))


def _joined(results: dict[str | None, Compiled]) -> list[Diagnostic]:
    """Return each finding once; those of some environments only say of which."""
    first: dict[object, Diagnostic] = {}
    found_in: dict[object, list[str]] = {}
    for name, compiled in results.items():
        for each in compiled.diagnostics:
            # without the help, which may name the environment: the finding is the same in each
            key = (each.code, each.message, each.span)
            first.setdefault(key, each)
            found_in.setdefault(key, []).append(name or "")
    return [_with_note(each, found_in[key], len(results)) for key, each in first.items()]


def _with_note(diagnostic: Diagnostic, names: list[str], of: int) -> Diagnostic:
    if len(names) == of:
        return diagnostic
    listed = ", ".join(f"`{name}`" for name in names)
    return replace(diagnostic, notes=(*diagnostic.notes, f"only in environment {listed}"))
