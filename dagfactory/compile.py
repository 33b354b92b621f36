"""Compile: the passes in order, from a file to a plan and from plans to a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory import __version__
from dagfactory.bare import without_environment
from dagfactory.diagnostics import Diagnostic, Label, has_errors, tidy
from dagfactory.frontend import front_end
from dagfactory.lint import lint
from dagfactory.plan import Plan, plan
from dagfactory.problems import locate

if TYPE_CHECKING:
    from dagfactory.bundle import Bundle, Rendered
    from dagfactory.node import Node
    from dagfactory.source import SourceFile


@dataclass(frozen=True, slots=True)
class Compiled:
    """One spec in one environment: its plan (None when there are errors) and every finding."""

    path: Path
    plan: Plan | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle (None when there are errors) with every finding and the files they lie in."""

    bundle: Bundle | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    plans: tuple[Plan, ...]


def compile_spec(path: Path, environment: str | None) -> Compiled:
    """Load, resolve, validate and plan one spec for one environment."""
    compiled = _compile(path, environment)
    if environment is not None:
        return compiled
    return replace(compiled, diagnostics=without_environment(path, compiled.diagnostics))


def _compile(path: Path, environment: str | None) -> Compiled:
    front = front_end(path, environment)
    if front.pipeline is None or front.node is None or has_errors(front.diagnostics):
        known = [*front.diagnostics, *_names(front.node)]
        return Compiled(path, None, tidy(known), front.sources)
    made, found = plan(front.pipeline, front.node, front.environment)
    found += lint(made) if made else ()
    result = made if not has_errors(found) else None
    return Compiled(path, result, tidy([*front.diagnostics, *found]), front.sources)


def _names(node: Node | None) -> list[Diagnostic]:
    """Find what can be found without models: names that lead nowhere."""
    if node is None:
        return []
    from dagfactory.names import unknown_names

    return [locate(node, problem) for problem in unknown_names(node)]


def build(specs: list[Path], environment: str | None) -> Built:
    """Compile specs and put their DAG files into one bundle; no bundle when any has an error."""
    compiled = [compile_spec(path, environment) for path in specs]
    found = [each for item in compiled for each in item.diagnostics] + list(collisions(compiled))
    sources = tuple(source for item in compiled for source in item.sources)
    plans = tuple(item.plan for item in compiled if item.plan)
    if has_errors(found):
        return Built(None, tidy(found), sources, plans)
    from dagfactory.bundle import bundle

    made = bundle(
        [_rendered(item.path, item.plan) for item in compiled if item.plan],
        generator=f"dagfactory {__version__}",
        environment=environment or "none",
        target=_target(plans),
    )
    return Built(made, tidy(found), sources, plans)


def shown(path: Path) -> str:
    """Return a spec's path as the rendered file names it: from its `specs` folder on, else its name."""
    parts = path.resolve().parts
    if "specs" in parts[:-1]:
        start = len(parts) - 1 - parts[::-1].index("specs")
        return "/".join(parts[start:])
    return path.name


def _rendered(path: Path, plan: Plan) -> Rendered:
    """Lower, render and check one plan."""
    from dagfactory.bundle import Rendered
    from dagfactory.check import check
    from dagfactory.lower.module import digest, lower
    from dagfactory.render import render

    text = render(lower(plan, source=shown(path), package=package(plan)))
    name = plan.pipeline.pipeline
    check(f"{name}.py", text)
    return Rendered(name, shown(path), digest(plan), text)


def package(plan: Plan) -> str:
    """Return where the bundle lies below the `dags/` folder, as a dotted Python package."""
    environment = plan.environment
    return environment.package if environment else ""


def _target(plans: tuple[Plan, ...]) -> str:
    """Return the target that all plans of one environment share."""
    environment = plans[0].environment if plans else None
    return environment.target if environment else "airflow3"


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
