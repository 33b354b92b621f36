"""Compile: the passes in order, from a file to a plan and from plans to a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory import __version__
from dagfactory.compiler.fork import fork_map
from dagfactory.diagnostics.diagnostic import Diagnostic, Label, has_errors, tidy

if TYPE_CHECKING:
    from dagfactory.compiler.bundle.bundle import Bundle, Rendered
    from dagfactory.compiler.cache import RenderCache
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.document.node import Node


@dataclass(frozen=True, slots=True)
class Compiled:
    """One spec in one environment: its plan (None when there are errors) and every finding."""

    path: Path
    plan: Plan | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle (None when there are errors) with every finding and the files they lie in.

    `plans` are those of the specs that were compiled, not of those that a cache knew.
    """

    bundle: Bundle | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    plans: tuple[Plan, ...]


def compile_spec(path: Path, environment: str | None) -> Compiled:
    """Load, resolve, validate and plan one spec for one environment."""
    compiled = _compile(path, environment)
    if environment is not None:
        return compiled
    from dagfactory.compiler.missing_environment import without_environment

    return replace(compiled, diagnostics=without_environment(path, compiled.diagnostics))


def _compile(path: Path, environment: str | None) -> Compiled:
    from dagfactory.compiler.lint import lint
    from dagfactory.compiler.parse import front_end
    from dagfactory.compiler.plan.build import plan

    front = front_end(path, environment)
    if front.pipeline is None or front.node is None or has_errors(front.diagnostics):
        found = [*front.diagnostics, *_names(front.node, front.diagnostics)]
        return Compiled(path, None, tidy(found), front.sources)
    made, found = plan(front.pipeline, front.node, front.environment)
    found += lint(made) if made else ()
    result = made if not has_errors(found) else None
    return Compiled(path, result, tidy([*front.diagnostics, *found]), front.sources)


def _names(node: Node | None, found: list[Diagnostic]) -> list[Diagnostic]:
    """Find what can be found without models: names that lead nowhere, where nothing else is wrong."""
    if node is None:
        return []
    from dagfactory.compiler.parse import touches
    from dagfactory.compiler.validate.unresolved_names import unknown_names
    from dagfactory.document.locate import locate

    places = [each.span for each in found if each.span]
    unknown = (locate(node, problem) for problem in unknown_names(node))
    return [each for each in unknown if not touches(each.span, places)]


def build(specs: list[Path], environment: str | None, cache: RenderCache | None = None) -> Built:
    """Compile specs and put their DAG files into one bundle; no bundle when any has an error.

    With a cache only those are compiled that changed since, or that had findings to show.
    """
    known = cache.get(specs) if cache else {}
    compiled = {path: compile_spec(path, environment) for path in specs if path not in known}
    if known and _meet(known.values(), compiled.values()):
        return build(specs, environment)
    found = [each for item in compiled.values() for each in item.diagnostics]
    found += collisions(compiled.values())
    sources = tuple(source for item in compiled.values() for source in item.sources)
    plans = tuple(item.plan for item in compiled.values() if item.plan)
    if has_errors(found):
        return Built(None, tidy(found), sources, plans)
    from dagfactory.compiler.bundle.bundle import bundle

    planned = [(path, each.plan) for path, each in compiled.items() if each.plan]
    fresh = fork_map(_rendered, planned)
    made = known | {path: each for (path, _), each in zip(planned, fresh, strict=True)}
    if cache:
        silent = {path: each for path, each in made.items() if not _speaks(compiled.get(path))}
        cache.put(silent)
    files = bundle(
        [made[path] for path in specs if path in made],
        generator=f"dagfactory {__version__}",
        environment=environment or "none",
    )
    return Built(files, tidy(found), sources, plans)


def _speaks(compiled: Compiled | None) -> bool:
    return bool(compiled and compiled.diagnostics)


def _meet(known: Iterable[Rendered], compiled: Iterable[Compiled]) -> bool:
    """Whether two specs have one id; a known one has no place in a file to show."""
    ids = [each.pipeline for each in known]
    ids += [each.plan.pipeline.pipeline for each in compiled if each.plan]
    return len(set(ids)) < len(ids)


def source_name(path: Path) -> str:
    """Return a spec's path as the rendered file names it: from its `specs` folder on, else its name."""
    parts = path.resolve().parts
    if "specs" in parts[:-1]:
        start = len(parts) - 1 - parts[::-1].index("specs")
        return "/".join(parts[start:])
    return path.name


def _rendered(planned: tuple[Path, Plan]) -> Rendered:
    """Lower, render and check one plan."""
    path, plan = planned
    from dagfactory.compiler.bundle.bundle import Rendered
    from dagfactory.compiler.bundle.sidecars import sidecars
    from dagfactory.compiler.lower.dag import lower
    from dagfactory.dagfile.checks import check
    from dagfactory.dagfile.render import render

    source = source_name(path)
    module = lower(plan, source=source, package=package(plan))
    text = render(module)
    name = plan.pipeline.pipeline
    check(f"{name}.py", text)
    header = module.header
    return Rendered(name, source, header.digest, text, header.target, sidecars(plan))


def package(plan: Plan) -> str:
    """Return where the bundle lies below the `dags/` folder, as a dotted Python package."""
    environment = plan.environment
    return environment.package if environment else ""


def collisions(compiled: Iterable[Compiled]) -> Iterator[Diagnostic]:
    """Find pipeline ids that two files use: the later DAG would replace the earlier one."""
    first: dict[str, Plan] = {}
    for item in compiled:
        if item.plan is None:
            continue
        name = item.plan.pipeline.pipeline
        other = first.setdefault(name, item.plan)
        if other is not item.plan:
            yield Diagnostic(
                "DF213",
                f"pipeline id `{name}` is used by another file",
                item.plan.node.span_of(("pipeline",)),
                help="rename one of them: the id becomes the DAG id and the file's name",
                labels=(Label(other.node.span_of(("pipeline",)), "first used here"),),
            )
