"""`dagfactory composer` from its arguments to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.compiler.compile import compile_spec
from dagfactory.composer import formats
from dagfactory.composer.airflow_client import AirflowClient
from dagfactory.composer.contents import apply, differences
from dagfactory.composer.infrastructure import infrastructure
from dagfactory.diagnostics.diagnostic import DagfactoryError, tidy
from dagfactory.project.files import write_atomic
from dagfactory.project.specs import SPECS, find_specs
from dagfactory.report import print_findings

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.language.environment import EnvironmentFile


@dataclass(frozen=True, slots=True)
class ComposerOptions:
    """The arguments of the command."""

    paths: tuple[Path, ...]
    environment: str
    name: str = "terraform"
    out: Path | None = None
    apply: bool = False


class FindingsError(DagfactoryError):
    """Specs with errors, which were printed."""

    exit_code = 1


def plans_for(paths: Iterable[Path], environment: str) -> tuple[tuple[Plan, ...], EnvironmentFile]:
    """Return the plans of specs and their environment; raises FindingsError after printing why not."""
    compiled = [compile_spec(path, environment) for path in find_specs(tuple(paths) or (SPECS,))]
    found = tidy(each for item in compiled for each in item.diagnostics)
    sources = tuple(source for item in compiled for source in item.sources)
    plans = tuple(item.plan for item in compiled if item.plan)
    known = next((plan.environment for plan in plans if plan.environment), None)
    if print_findings(found, sources) or known is None:
        raise FindingsError("the specs have errors")
    return plans, known


def composer(options: ComposerOptions) -> int:
    """Render the environment, or apply what its Airflow holds; return the exit code.

    Raises DagfactoryError.
    """
    plans, environment = plans_for(options.paths, options.environment)
    return _apply(environment) if options.apply else _render(options, plans, environment)


def _apply(environment: EnvironmentFile) -> int:
    """Bring pools, variables and connections to Airflow and say what was changed."""
    client = airflow_of(environment)
    changes = differences(client, environment)
    for each in changes:
        sys.stdout.write(f"{each.text}\n")
    apply(client, changes)
    many = f"{len(changes)} changed" if changes else "nothing to change"
    sys.stderr.write(f"{client.url}: {many}\n")
    return 0


def airflow_of(environment: EnvironmentFile) -> AirflowClient:
    """Return a client of an environment's Airflow; raises DagfactoryError without an address."""
    if environment.airflow_url is None:
        name = environment.environment
        remedy = "write `airflow: {url: https://…}`"
        raise DagfactoryError(f"environment {name} does not say where its Airflow is; {remedy}")
    return AirflowClient(environment.airflow_url)


def _render(options: ComposerOptions, plans: tuple[Plan, ...], environment: EnvironmentFile) -> int:
    made = infrastructure(plans, environment)
    for task in made.needs.unknown:
        sys.stderr.write(f"warning: what `{task}` calls is not known; grant it what it needs\n")
    chosen = formats.load(options.name)
    text = chosen.text(made)
    if options.out is None:
        sys.stdout.write(text)
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    write_atomic(options.out / chosen.FILE, text.encode())
    sys.stderr.write(f"wrote {options.out / chosen.FILE}\n")
    return 0
