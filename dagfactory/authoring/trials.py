"""`dagfactory trials` from its arguments to its exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.parse import environments
from dagfactory.cost.trials import Preview, previews
from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.diagnostics.terminal import safe
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.project.specs import find_specs
from dagfactory.report import print_findings
from dagfactory.runtime import grid, halving
from dagfactory.runtime.arguments import as_text
from dagfactory.tasks.sweep import definition

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan


@dataclass(frozen=True, slots=True)
class TrialsOptions:
    """The arguments of the command; no `task` means every sweep, `limit` 0 every trial."""

    spec: str
    task: str
    environment: str | None
    format: str
    limit: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """A sweep and its trials, each with the number of the job it trains in."""

    preview: Preview
    rungs: tuple[dict[str, Any], ...]
    trials: tuple[tuple[int, grid.Trial], ...]

    def data(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found = self.preview
        return {
            "task": found.name,
            "method": found.task.method,
            "trials": found.batches[0].trials,
            "jobs": found.jobs,
            "gpu_hours": found.hours if found.gpus else None,
            "machine_hours": None if found.gpus else found.hours,
            "hours_are": found.kind,
            "usd": found.usd,
            "rungs": list(self.rungs),
            "list": [
                {"id": each.id, "job": job, "parameters": each.parameters}
                for job, each in self.trials
            ],
        }


def show(options: TrialsOptions) -> int:
    """Print what sweeps will run; return the exit code. Raises DagfactoryError."""
    path, *others = find_specs([Path(options.spec)])
    if others:
        raise DagfactoryError(f"{options.spec} holds {len(others) + 1} specs; name the one to list")
    chosen = options.environment or next(iter(environments(path)), None)
    compiled = compile_spec(path, chosen)
    if print_findings(compiled.diagnostics, compiled.sources) or compiled.plan is None:
        return 1
    found = [_listed(compiled.plan, each) for each in _asked(compiled.plan, options)]
    write = _as_json if options.format == "json" else _as_text
    sys.stdout.write(write(found, options.limit or sys.maxsize))
    return 0


def _asked(plan: Plan, options: TrialsOptions) -> list[Preview]:
    """Return the sweeps that are asked for; raises DagfactoryError where there is none."""
    found = {each.name: each for each in previews(plan)}
    if not found:
        raise DagfactoryError(f"{options.spec} has no sweep")
    if not options.task:
        return list(found.values())
    if options.task not in found:
        hint = did_you_mean(options.task, found)
        message = f"{options.spec} has no sweep `{options.task}`"
        raise DagfactoryError(f"{message}; {hint}" if hint else message)
    return [found[options.task]]


def _rendered(value: Any) -> Any:
    """Return a definition as the DAG holds it: of other texts the trials would have other ids."""
    if isinstance(value, dict):
        return {key: _rendered(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rendered(each) for each in value]
    return value.replace("$${", "${") if isinstance(value, str) else value


def _listed(plan: Plan, preview: Preview) -> _Listed:
    task = preview.task
    # Vertex AI decides on each by the results of those before
    if task.method == "bayes":
        return _Listed(preview, (), ())
    compact = _rendered(definition(task, plan.pipeline))
    if "rungs" in compact:
        rungs, argument = compact["rungs"], compact["rungs"]["argument"]
        slots = [halving.trial_slots(compact, each) for each in range(len(rungs["sizes"]))]
        first = [each.trial for each in halving.rung_trials(compact, 0)]
        steps = zip(slots, rungs["budgets"], strict=True)
        rows = tuple({"trials": size, argument: budget} for size, budget in steps)
        return _Listed(preview, rows, tuple(enumerate(first)))
    if "pack" in compact:
        packed = enumerate(grid.packs(compact))
        return _Listed(preview, (), tuple((job, each) for job, pack in packed for each in pack))
    return _Listed(preview, (), tuple(enumerate(grid.trials(compact))))


def _as_json(found: list[_Listed], limit: int) -> str:
    data = [each.data() for each in found]
    return json.dumps([each | {"list": each["list"][:limit]} for each in data], indent=2) + "\n"


def _as_text(found: list[_Listed], limit: int) -> str:
    lines = [safe(line, sys.stdout.encoding) for each in found for line in _lines(each, limit)]
    return "\n".join(lines) + "\n"


def _lines(listed: _Listed, limit: int) -> Iterator[str]:
    yield listed.preview.line
    for number, rung in enumerate(listed.rungs):
        (_, size), (argument, budget) = rung.items()
        yield f"  rung {number}: {size:,} trials with {argument}={as_text(budget)}"
    shown = list(islice(listed.trials, limit))
    if shown:
        names = list(dict.fromkeys(name for _, each in shown for name in each.parameters))
        head = ("job", "trial", *names)
        yield from (f"  {line}" for line in table(head, [_row(*each, names) for each in shown]))
    hidden = len(listed.trials) - len(shown)
    if hidden:
        yield f"  … and {hidden:,} more: `--limit 0`"


def _row(job: int, trial: grid.Trial, names: list[str]) -> tuple[str, ...]:
    values = (trial.parameters.get(name) for name in names)
    return (str(job), trial.id, *("" if each is None else as_text(each) for each in values))
