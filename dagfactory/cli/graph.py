"""Draw a pipeline's tasks and edges."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dagfactory.cli._complete import environments


@click.command("graph")
@click.argument("spec", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--env",
    "environment",
    shell_complete=environments,
    help="Environment; the first one if absent.",
    metavar="NAME",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["mermaid", "dot", "json"]),
    default="mermaid",
    show_default=True,
    help="Mermaid pastes into a pull request.",
)
def command(spec: Path, environment: str | None, name: str) -> int:
    """Draw the tasks of SPEC and what waits for what."""
    from dagfactory.compiler.compile import compile_spec
    from dagfactory.compiler.parse import environments
    from dagfactory.compiler.plan.graph import FORMATS
    from dagfactory.project.specs import find_specs
    from dagfactory.report import print_findings

    path, *others = find_specs([spec])
    if others:
        raise click.UsageError(f"{spec} holds {len(others) + 1} specs; name the one to draw")
    chosen = environment or next(iter(environments(path)), None)
    compiled = compile_spec(path, chosen)
    if print_findings(compiled.diagnostics, compiled.sources) or compiled.plan is None:
        return 1
    sys.stdout.write(FORMATS[name](compiled.plan))
    return 0
