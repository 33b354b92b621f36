"""Compile: the passes in order, from a file to a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic, has_errors, tidy

if TYPE_CHECKING:
    from dagfactory.compiler.parse import Parsed
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.source import SourceFile
    from dagfactory.document.node import Node
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.project.code import Project, Reads


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
    there are errors, with holes. `project` is what was asked for the project's own code.
    """

    plan: Plan | None
    diagnostics: list[Diagnostic]
    sources: tuple[SourceFile, ...]
    node: Node | None = None
    draft: Plan | None = None
    project: Project | None = None


def front_end(parsed: Parsed, environment: str | None) -> Front:
    """Resolve and validate what was parsed; all faults are diagnostics, unknown names among them."""
    # passes are imported where they run: pydantic alone takes 0.13 s of CPU, and a render that
    # finds every spec in its cache needs no model
    from dagfactory.compiler.resolve.layers import resolve
    from dagfactory.compiler.validate.unknown_names import unknown_names
    from dagfactory.compiler.validate.validate import (
        validate,
        validate_environment,
        validate_usage,
    )

    found = list(parsed.diagnostics)
    tree = pipeline = model = None
    if parsed.layers:
        tree, unresolved = resolve(parsed.layers)
        pipeline, invalid = validate(tree, parsed.project, parsed.lost)
        # names are looked up on the tree, for a wrong value leaves no model, and a misspelt task
        # should not wait for the second run of `check`
        found += [*unresolved, *invalid, *unknown_names(tree)]
    if parsed.usage and pipeline:
        usage, invalid = validate_usage(parsed.usage, pipeline)
        pipeline = pipeline.with_usage(usage)
        found += invalid
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


def compile_spec(path: Path, environment: str | None, reads: Reads | None = None) -> Compiled:
    """Parse, resolve, validate, plan and lint one spec for one environment.

    `reads` keeps what a command has read of the code of projects.
    """
    from dagfactory.compiler.parse import parse

    compiled = compile_parsed(parse(path, environment, reads), environment)
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
        return Compiled(None, found, front.sources, project=parsed.project)
    made, unplanned = plan(front.pipeline, front.node, front.environment)
    found = _together(found, unplanned, front.node)
    found = _together(found, lint(made), front.node)
    if found:
        from dagfactory.compiler.cascading import once_per_item

        found = once_per_item(found, front.node)
    finished = None if has_errors(found) else made
    return Compiled(finished, found, front.sources, front.node, made, parsed.project)


def _together(found: list[Diagnostic], more: Iterable[Diagnostic], node: Node) -> list[Diagnostic]:
    """Add the findings of a pass over `node` to those before, but for what follows from these."""
    new = list(more)
    if found and new:
        from dagfactory.compiler.cascading import beyond

        new = beyond(new, found, node)
    return tidy([*found, *new])
