"""Compile: the passes in order, from a file to a plan and from plans to a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory import __version__
from dagfactory.compiler.fork import fork_map
from dagfactory.diagnostics.diagnostic import Diagnostic, Label, has_errors, tidy

if TYPE_CHECKING:
    from dagfactory.compiler.bundle.bundle import Bundle, Rendered
    from dagfactory.compiler.cache import RenderCache
    from dagfactory.compiler.parse import Parsed
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.document.node import Node
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Front:
    """One spec in one environment before it is planned.

    `node` is the resolved tree (None when there is nothing to resolve). What has mistakes has stand-ins
    in `pipeline` and `environment`. `sources` are all files that were read.
    """

    pipeline: Pipeline | None
    node: Node | None
    environment: EnvironmentFile | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class Compiled:
    """One spec in one environment: its plan (None when there are errors) and every finding.

    `node` is the resolved tree; None when there is nothing to resolve. `draft` is the plan also where
    there are errors, with holes.
    """

    plan: Plan | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    node: Node | None = None
    draft: Plan | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle (None when there are errors) with every finding and the files they lie in.

    `plans` are those of the specs that were compiled, not of those that a cache knew.
    """

    bundle: Bundle | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    plans: tuple[Plan, ...]


def front_end(parsed: Parsed, environment: str | None) -> Front:
    """Resolve and validate what was parsed; all faults are diagnostics, unknown names among them."""
    # passes are imported where they run: pydantic alone takes 0.13 s of CPU, and a render that
    # finds every spec in its cache needs no model
    from dagfactory.compiler.resolve.layers import resolve
    from dagfactory.compiler.validate.unknown_names import unknown_names
    from dagfactory.compiler.validate.validate import validate, validate_environment

    found = list(parsed.diagnostics)
    tree = pipeline = model = None
    if parsed.layers:
        tree, unresolved = resolve(parsed.layers)
        pipeline, invalid = validate(tree, parsed.project, parsed.lost)
        # names are looked up on the tree, for a wrong value leaves no model, and a misspelt task
        # should not wait for the second run of `check`
        found += [*unresolved, *invalid, *unknown_names(tree)]
    if parsed.environment and environment:
        model, invalid = validate_environment(parsed.environment, environment, parsed.project)
        found += invalid
    if found:
        from dagfactory.compiler.cascading import without_cascading

        found = tidy(without_cascading(found, parsed.lost.values()))
    return Front(pipeline, tree, model, found, parsed.sources)


def compile_environment(name: str) -> Front:
    """Read the file of an environment of the project in this folder; there is no pipeline with it."""
    from dagfactory.compiler.parse import parse_environment

    return front_end(parse_environment(name), name)


def compile_spec(path: Path, environment: str | None) -> Compiled:
    """Parse, resolve, validate, plan and lint one spec for one environment."""
    from dagfactory.compiler.parse import parse

    compiled = compile_parsed(parse(path, environment), environment)
    if environment is not None:
        return compiled
    from dagfactory.compiler.missing_environment import without_environment

    return replace(compiled, diagnostics=without_environment(path, compiled.diagnostics))


def compile_parsed(parsed: Parsed, environment: str | None) -> Compiled:
    """Resolve, validate, plan and lint what was parsed."""
    from dagfactory.compiler.lint import lint
    from dagfactory.compiler.plan.build import plan

    front = front_end(parsed, environment)
    found = front.diagnostics
    if front.pipeline is None or front.node is None:
        return Compiled(None, found, front.sources)
    made, unplanned = plan(front.pipeline, front.node, front.environment)
    found = _together(found, unplanned, front.node)
    found = _together(found, lint(made), front.node)
    finished = None if has_errors(found) else made
    return Compiled(finished, found, front.sources, front.node, made)


def _together(found: list[Diagnostic], more: Iterable[Diagnostic], node: Node) -> list[Diagnostic]:
    """Add the findings of a pass over `node` to those before, but for what follows from these."""
    new = list(more)
    if found and new:
        from dagfactory.compiler.cascading import beyond

        new = beyond(new, found, node)
    return tidy([*found, *new])


def build(specs: list[Path], environment: str | None, cache: RenderCache | None = None) -> Built:
    """Compile specs and put their DAG files into one bundle; no bundle when any has an error.

    With a cache only those are compiled that changed since, or that had findings to show.
    """
    known = cache.get(specs) if cache else {}
    compiled = {path: compile_spec(path, environment) for path in specs if path not in known}
    # a known spec has no tree, so the finding would have no second place to show
    if known and _share_an_id(known.values(), compiled.values()):
        return build(specs, environment)
    found = [each for item in compiled.values() for each in item.diagnostics]
    found += collisions(compiled.values())
    sources = tuple(source for item in compiled.values() for source in item.sources)
    plans = tuple(item.plan for item in compiled.values() if item.plan)
    if has_errors(found):
        return Built(None, tidy(found), sources, plans)
    made = known | _render_all(compiled)
    if cache:
        cache.put(
            {path: each for path, each in made.items() if _is_recorded(each, compiled.get(path))}
        )
    files = _bundle([made[path] for path in specs if path in made], environment)
    return Built(files, tidy(found), sources, plans)


def _is_recorded(made: Rendered, compiled: Compiled | None) -> bool:
    """Whether a DAG file may be taken from the record next time; those that came from it have no plan."""
    # each render says a warning again, and no key of the record knows the files of the project's code
    if made.holds_code or (compiled and compiled.diagnostics):
        return False
    environment = compiled.plan.environment if compiled and compiled.plan else None
    return not (environment and environment.code)


def _share_an_id(known: Iterable[Rendered], compiled: Iterable[Compiled]) -> bool:
    """Whether two specs have one id."""
    ids = [each.pipeline for each in known]
    ids += [each.plan.pipeline.pipeline for each in compiled if each.plan]
    return len(set(ids)) < len(ids)


def _render_all(compiled: Mapping[Path, Compiled]) -> dict[Path, Rendered]:
    """Return the DAG file of every plan by its spec."""
    planned = [(path, each.plan) for path, each in compiled.items() if each.plan]
    # only this half is forked: it returns little, and `sync` and `run` want the plans here
    fresh = fork_map(_rendered, planned)
    return {path: each for (path, _), each in zip(planned, fresh, strict=True)}


def _bundle(rendered: list[Rendered], environment: str | None) -> Bundle:
    from dagfactory.compiler.bundle.bundle import bundle

    return bundle(
        rendered,
        generator=f"dagfactory {__version__}",
        environment=environment or "none",
    )


def _rendered(planned: tuple[Path, Plan]) -> Rendered:
    """Lower, render and check one plan."""
    path, plan = planned
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


def collisions(compiled: Iterable[Compiled]) -> Iterator[Diagnostic]:
    """Find pipeline ids that two files use: the later DAG would replace the earlier one."""
    first: dict[str, Node] = {}
    for item in compiled:
        fields = item.node.value if item.node else None
        here = fields.get("pipeline") if isinstance(fields, dict) else None
        if here is None or not isinstance(here.value, str):
            continue
        other = first.setdefault(here.value, here)
        if other is not here:
            yield Diagnostic(
                "DF213",
                f"pipeline id `{here.value}` is used by another file",
                here.span,
                help="rename one of them: the id becomes the DAG id and the file's name",
                labels=(Label(other.span, "first used here"),),
            )
