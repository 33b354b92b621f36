"""Build: many specs become one bundle; what did not change since comes from the record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dagfactory import __version__
from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.fork import fork_map
from dagfactory.compiler.outcome import Outcome, collisions, outcome_of
from dagfactory.diagnostics.diagnostic import Diagnostic, has_errors, tidy
from dagfactory.project.specs import STDIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from dagfactory.compiler.bundle.bundle import Bundle, Rendered
    from dagfactory.compiler.compile import Compiled
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.compiler.record import Record
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.project.code import Reads


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle (None when there are errors) with every finding, and the texts that no file holds."""

    bundle: Bundle | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    sweeps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the sweeps of each pipeline will run, a line each."""


def build(specs: list[Path], environment: str | None, record: Record | None = None) -> Built:
    """Compile specs and put their DAG files into one bundle; no bundle when any has an error.

    With a record only those are compiled that changed since.
    """
    reads: Reads = {}
    outcomes = outcomes_of(specs, lambda path: _outcome(path, environment, reads), record)
    return bundled(specs, outcomes, environment)


def outcomes_of(
    specs: list[Path], work: Callable[[Path], Outcome], record: Record | None
) -> list[Outcome]:
    """Return what each spec comes to: from the record, or by the work, which the record then knows."""
    known = record.get(specs) if record else {}
    missing = [each for each in specs if each not in known]
    made = dict(zip(missing, fork_map(work, missing), strict=True))
    if record:
        record.put(made)
    outcomes = known | made
    return [outcomes[each] for each in specs]


def bundled(specs: list[Path], outcomes: list[Outcome], environment: str | None) -> Built:
    """Put what specs came to into one bundle."""
    found = tidy([*(each for item in outcomes for each in item.diagnostics), *collisions(outcomes)])
    files = [each.rendered for each in outcomes if each.rendered]
    made = None if has_errors(found) else _bundle(files, environment)
    sweeps = {each.name[0]: each.sweeps for each in outcomes if each.name and each.sweeps}
    return Built(made, found, sources_of(specs), sweeps)


def _bundle(files: list[Rendered], environment: str | None) -> Bundle:
    from dagfactory.compiler.bundle.bundle import bundle

    generator = f"dagfactory {__version__}"
    return bundle(files, generator=generator, environment=environment or "none")


def _outcome(path: Path, environment: str | None, reads: Reads) -> Outcome:
    return rendered(path, compile_spec(path, environment, reads))


def rendered(path: Path, compiled: Compiled) -> Outcome:
    """Return what a spec came to, with its DAG file where it has no errors."""
    dag_file = _rendered(path, compiled.plan) if compiled.plan else None
    return outcome_of(compiled.diagnostics, [compiled], dag_file)


def _rendered(path: Path, plan: Plan) -> Rendered:
    """Lower, render and check one plan."""
    from dagfactory.compiler.bundle.bundle import Rendered
    from dagfactory.compiler.bundle.plan_file import plan_files
    from dagfactory.compiler.bundle.sidecars import package_address, sidecars
    from dagfactory.compiler.lower.dag import lower
    from dagfactory.dagfile.checks import check
    from dagfactory.dagfile.render import render
    from dagfactory.project.specs import shown_in_header

    source = shown_in_header(path)
    dag_file = lower(plan, source=source)
    text = render(dag_file)
    name = plan.pipeline.pipeline
    # the finished text is checked: it holds whatever the template or the quoting did wrong
    check(f"{name}.py", text)
    header = dag_file.header
    beside = sidecars(plan) | plan_files(plan, dag_file)
    address = package_address(plan)
    return Rendered(name, source, header.digest, text, header.target, beside, address)


def sources_of(specs: list[Path]) -> tuple[SourceFile, ...]:
    """Return the texts behind spans that cannot be read again: files are read when asked for."""
    if STDIN not in specs:
        return ()
    from dagfactory.compiler.parse import load_file

    source = load_file(STDIN).source
    return (source,) if source else ()


def environments_of(specs: Iterable[Path], name: str) -> list[EnvironmentFile]:
    """Return the environment of this name of each folder of specs; none where there is no file of it."""
    from dagfactory.compiler.parse import parse
    from dagfactory.compiler.validate.validate import validate_environment

    first = {each.parent: each for each in specs}
    parsed = [parse(each, name) for each in first.values()]
    made = [
        validate_environment(each.environment, name, each.project)[0]
        for each in parsed
        if each.environment
    ]
    return [each for each in made if each]
