"""What a pipeline costs, a run and a month, and what it would cost otherwise."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dagfactory.cli._complete import environments


@click.command("cost")
@click.argument("spec", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--env",
    "environment",
    metavar="NAME",
    help="Environment whose region and prices hold.",
    shell_complete=environments,
)
@click.option(
    "--measure",
    is_flag=True,
    help="First write the usage file from the times of past jobs on Vertex AI.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Cloud Composer or Vertex AI Pipelines; without SPEC, a published comparison with all sums.",
)
@click.option(
    "--format",
    "name",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="JSON has every rate with its day and source.",
)
def command(
    spec: Path | None, environment: str | None, measure: bool, compare: bool, name: str
) -> int:
    """Print what the pipeline SPEC costs, term by term: jobs, endpoints, storage, Composer.

    Hours are those of `usage/PIPELINE.yaml` beside the spec, measured or given, or else one hour that
    is assumed; each number says which. More than the spec's `budget` ends with exit code 1.
    """
    if compare and name == "markdown":
        raise click.UsageError("a comparison is text or JSON")
    if compare and spec is None and not measure:
        if name != "text":
            raise click.UsageError(
                "the published comparison is text; write a SPEC and `--env NAME`"
            )
        from dagfactory.cost.published import text

        sys.stdout.write(text())
        return 0
    if spec is None:
        raise click.UsageError("write a SPEC and `--env NAME`")
    if environment is None:
        raise click.UsageError("add `--env NAME`: prices are those of an environment's region")
    from dagfactory.authoring.cost.command import CostOptions, cost

    return cost(CostOptions(spec, environment, name, measure, compare))
