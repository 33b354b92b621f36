"""`dagfactory plan` from its arguments to its exit code."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dagfactory.compiler.build import build, environments_of
from dagfactory.compiler.record import Record
from dagfactory.deploy import saved_plan
from dagfactory.deploy.changes.compare import compare
from dagfactory.deploy.changes.deployed import look
from dagfactory.deploy.changes.formats import Planned, load_form
from dagfactory.deploy.changes.model import Changes, Warned
from dagfactory.deploy.changes.prices import with_prices
from dagfactory.deploy.changes.running import running
from dagfactory.deploy.changes.warned import warned
from dagfactory.deploy.destination import choose_destination
from dagfactory.deploy.errors import RefusedError
from dagfactory.deploy.plan import SyncPlan, confirm_removals
from dagfactory.deploy.plan_text import plan_summary
from dagfactory.deploy.stores import open_store
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.project.specs import SPECS, find_specs
from dagfactory.report import print_findings, style_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dagfactory.compiler.bundle.bundle import Bundle
    from dagfactory.deploy.changes.deployed import Deployed
    from dagfactory.deploy.changes.running import Airflow
    from dagfactory.language.environment import EnvironmentFile

AirflowAt: TypeAlias = "Callable[[str], Airflow]"
"""Returns a client of the Airflow at an address."""

DIFFERENT = 2
"""The exit code for changes, and FAILED that for any error, when Terraform's are asked for."""
FAILED = 1


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The arguments of the command."""

    paths: tuple[Path, ...]
    environment: str
    to: str | None
    form: str
    out: Path | None
    detailed_exitcode: bool


def plan(options: PlanOptions, airflow: AirflowAt | None = None) -> int:
    """Show what a sync would change and why; return the exit code. Raises DagfactoryError.

    `airflow` returns a client for the address that an environment names; without it none is asked.
    """
    if not options.detailed_exitcode:
        return FAILED if _plan(options, airflow) is None else 0
    try:
        planned = _plan(options, airflow)
    except DagfactoryError as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    if planned is None:
        return FAILED
    return DIFFERENT if planned else 0


def _plan(options: PlanOptions, airflow: AirflowAt | None) -> SyncPlan | None:
    """Print a plan, and write it where a file is named; None when a spec has errors."""
    specs, name = find_specs(options.paths or (SPECS,)), options.environment
    built = build(specs, name, Record("render", name))
    if print_findings(built.diagnostics, built.sources) or built.bundle is None:
        return None
    environments = environments_of(specs, name)
    store = open_store(choose_destination(options.to, environments, built.bundle))
    planned, deployed = look(built.bundle, store)
    if any(not path.is_dir() for path in options.paths):
        planned = confirm_removals(planned)
    if planned.refused:
        raise RefusedError("; ".join(planned.refused))
    changes = _with_sweeps(compare(deployed, built.bundle), built.sweeps)
    changes = with_prices(changes, deployed, built.bundle, name)
    warnings = [*warned(changes, built.bundle), *_running(changes, environments, airflow)]
    warnings += [Warned("confirm", "", f"needs --yes: {each}") for each in planned.confirm]
    changes = replace(changes, warnings=tuple(warnings))
    shown = Planned(options.environment, store.address, changes, plan_summary(planned))
    style = style_for(sys.stdout, os.environ)
    sys.stdout.write(load_form(options.form).text(shown, style))
    if options.out:
        saved_plan.write(options.out, _saved(options, shown, deployed, built.bundle, planned.state))
    return planned


def states(paths: tuple[Path, ...], environment: str) -> dict[str, str]:
    """Return what a sync would do to each pipeline that it changes: `added`, `changed`, `removed`.

    Empty where a spec has errors. Raises DagfactoryError.
    """
    specs = find_specs(paths or (SPECS,))
    built = build(specs, environment, Record("render", environment))
    if built.bundle is None:
        return {}
    store = open_store(choose_destination(None, environments_of(specs, environment), built.bundle))
    _, deployed = look(built.bundle, store)
    found = compare(deployed, built.bundle).pipelines
    return {each.pipeline: each.action for each in found}


def _with_sweeps(changes: Changes, sweeps: Mapping[str, tuple[str, ...]]) -> Changes:
    """Say of the pipelines whose spec changes what their sweeps will run."""
    pipelines = tuple(
        replace(each, sweeps=sweeps.get(each.pipeline, ()))
        if each.action != "removed" and "spec" in each.reasons
        else each
        for each in changes.pipelines
    )
    return replace(changes, pipelines=pipelines)


def _running(
    changes: Changes, environments: list[EnvironmentFile], airflow: AirflowAt | None
) -> Iterator[Warned]:
    """Yield the runs under way, where the environment says which Airflow knows them."""
    url = environments[0].airflow_url if environments else None
    if url and airflow:
        yield from running(changes, airflow(url))


def _saved(
    options: PlanOptions, shown: Planned, deployed: Deployed, bundle: Bundle, state: str
) -> saved_plan.SavedPlan:
    """Return the plan as `sync` carries it out."""
    return saved_plan.SavedPlan(
        environment=options.environment,
        destination=shown.destination,
        manifest_generation=deployed.generation,
        bundle=saved_plan.bundle_hashes(bundle),
        specs=list(map(str, options.paths)),
        state=state,
        changes=shown.changes.data(),
    )
