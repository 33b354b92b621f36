"""`dagfactory cost` from its arguments to its exit code."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.compiler.compile import compile_spec
from dagfactory.cost.alternatives import alternatives
from dagfactory.cost.as_data import as_json, as_markdown
from dagfactory.cost.compare import compared
from dagfactory.cost.compare_text import Decision
from dagfactory.cost.estimate import priced
from dagfactory.cost.matrix import facts_of
from dagfactory.cost.report import text
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.document.locate import locate
from dagfactory.project.specs import STDIN, beside, find_specs
from dagfactory.report import WIDTH, Style, print_findings, style_for

if TYPE_CHECKING:
    from dagfactory.compiler.compile import Compiled
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.cost.terms import Cost


@dataclass(frozen=True, slots=True)
class CostOptions:
    """The arguments of the command."""

    spec: Path
    environment: str
    format: str
    measure: bool = False
    compare: bool = False


def cost(options: CostOptions) -> int:
    """Print what a spec costs; return the exit code. Raises DagfactoryError."""
    spec = one_spec(options.spec)
    compiled = compile_spec(spec, options.environment)
    # more than the budget is a finding of `check`; here it is what the reader looks into
    errors = [each for each in compiled.diagnostics if each.code != "DF334"]
    if print_findings(errors, compiled.sources) or compiled.draft is None:
        return 1
    if options.measure:
        # the clients that it needs are for nothing else
        from dagfactory.authoring.cost.measure import measure

        sys.stderr.write(measure(compiled.draft, spec))
        return cost(replace(options, measure=False))
    plan = compiled.draft
    found = priced(plan)
    if unknown_prices(compiled, found):
        return 1
    if options.compare:
        sys.stdout.write(_comparison(plan, found, spec, options.format))
        return 0
    sys.stdout.write(_report(plan, found, options.format))
    over = [each for each in compiled.diagnostics if each.code == "DF334"]
    return 1 if print_findings(over, compiled.sources) else 0


def one_spec(path: Path) -> Path:
    """Return the only spec that a path holds; raises DagfactoryError for several."""
    found, *others = find_specs([path])
    if others:
        raise DagfactoryError(f"{path} holds {len(others) + 1} specs; name the one to price")
    return found


def unknown_prices(compiled: Compiled, found: Cost) -> bool:
    """Print what has no price; return whether there is any."""
    if compiled.node is None:
        return False
    problems = [locate(compiled.node, each) for each in found.problems]
    return print_findings(problems, compiled.sources)


def terminal_style() -> Style:
    """Return the style of standard output, as wide as the terminal if that is narrower."""
    style = style_for(sys.stdout, os.environ)
    return replace(style, width=min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


def _report(plan: Plan, found: Cost, form: str) -> str:
    others = alternatives(plan, found)
    if form == "json":
        return as_json(found, others)
    if form == "markdown":
        return as_markdown(found, others)
    return text(found, others, terminal_style())


def _comparison(plan: Plan, found: Cost, spec: Path, form: str) -> str:
    facts = facts_of(plan, found, _workflows(spec))
    decision = Decision(found, compared(plan, found), facts)
    return decision.as_json() if form == "json" else decision.text(terminal_style())


def _workflows(spec: Path) -> int:
    """Return how many specs have the same environments: they share what Composer costs."""
    environments = beside(spec, "environments")
    return len(find_specs([environments.parent])) if environments and spec != STDIN else 1
