"""Checking many specs for all their environments, with every finding said once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from dagfactory.compiler.between_lines import differing_dates
from dagfactory.compiler.compile import Compiled, collisions, compile_spec
from dagfactory.compiler.parse import environments
from dagfactory.diagnostics.diagnostic import Diagnostic, tidy
from dagfactory.diagnostics.source import Sources
from dagfactory.report import Findings


def check_specs(specs: Iterable[Path], environment: str | None) -> Findings:
    """Check specs for one environment, or for each they can be rendered for, or bare if none."""
    start = perf_counter()
    checked = [_check(path, environment) for path in specs]
    found = [each for results in checked for each in _joined(results)]
    for results in checked:
        found += differing_dates(each.draft for each in results.values() if each.draft)
    # of one environment only: in two of them a spec would collide with itself
    found += collisions([next(iter(results.values())) for results in checked])
    files = [file for results in checked for each in results.values() for file in each.sources]
    # the most of all environments: a patch may delete tasks, and a spec with errors has no plan
    tasks = sum(max(_size(each) for each in results.values()) for results in checked)
    sources, seconds = Sources(tuple(files)), perf_counter() - start
    return Findings(tuple(tidy(found)), sources, len(checked), tasks, seconds)


def _check(path: Path, environment: str | None) -> dict[str | None, Compiled]:
    names: list[str | None] = [environment] if environment else [*environments(path)] or [None]
    return {name: compile_spec(path, name) for name in names}


def _size(compiled: Compiled) -> int:
    return len(compiled.plan.tasks) if compiled.plan else 0


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
