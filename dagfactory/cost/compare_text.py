"""The comparison of Cloud Composer with Vertex AI Pipelines, for people and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from dagfactory.cost.compare import STEP
from dagfactory.cost.matrix import neither, verdicts
from dagfactory.cost.services import NO_COMPOSER
from dagfactory.cost.words import counted, dollars
from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.terminal import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.cost.compare import Comparison
    from dagfactory.cost.matrix import Facts, Verdict
    from dagfactory.cost.terms import Cost
    from dagfactory.report import Style


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything that is said about where a pipeline should run."""

    cost: Cost
    comparison: Comparison
    facts: Facts

    @property
    def verdicts(self) -> list[Verdict]:
        """Return what each criterion says."""
        return verdicts(self.facts, self.comparison)

    def text(self, style: Style) -> str:
        """Return it for people."""
        runs = counted(self.cost.runs.count, "run")
        title = f"{self.cost.pipeline} in {self.cost.environment}: Composer or Vertex AI Pipelines?"
        lines = [
            title,
            "",
            *_money(self.comparison, f"{runs} A MONTH".upper()),
            "",
            *_matrix(self.verdicts, style.width),
            "",
            *_last(self, style.width),
        ]
        return "\n".join(safe(each, style.encoding) for each in lines) + "\n"

    def as_json(self) -> str:
        """Return it as JSON."""
        made = {
            "schema_version": 1,
            "pipeline": self.cost.pipeline,
            "environment": self.cost.environment,
            "composer_usd": self.comparison.composer,
            "pipelines_usd": self.comparison.pipelines,
            "break_even_usd": self.comparison.break_even,
            "rows": [asdict(each) for each in self.comparison.rows],
            "criteria": [asdict(each) for each in self.verdicts],
            "neither": list(neither(self.facts)),
            "facts": asdict(self.facts),
        }
        return json.dumps(made, indent=2) + "\n"


def _money(comparison: Comparison, title: str) -> list[str]:
    rows = [(each.name, _usd(each.composer), _usd(each.pipelines)) for each in comparison.rows]
    rows.append(("together", _usd(comparison.composer), _usd(comparison.pipelines)))
    widths = [max(len(row[at]) for row in rows) for at in (1, 2)]
    aligned = [(name, a.rjust(widths[0]), b.rjust(widths[1])) for name, a, b in rows]
    return table((title, "COMPOSER", "PIPELINES"), aligned)


def _usd(amount: float | None) -> str:
    return "not known" if amount is None else dollars(amount)


def _matrix(found: list[Verdict], width: int) -> list[str]:
    head, *rows = table(
        ("CRITERION", "BETTER", "WHY HERE"), [(each.criterion, each.side, "_") for each in found]
    )
    at = head.index("WHY HERE")
    lines = [head]
    for row, each in zip(rows, found, strict=True):
        first, *more = wrap(each.reason, width - at)
        lines += [f"{row[:at]}{first}", *(f"{' ' * at}{line}" for line in more)]
    return lines


def _last(decision: Decision, width: int) -> Iterator[str]:
    """Yield the count of the criteria, when neither is needed, and what is assumed."""
    sides = [each.side for each in decision.verdicts]
    better = {side: sides.count(side) for side in ("Composer", "Pipelines", "either")}
    yield ", ".join(f"{side}: {count} of {len(sides)}" for side, count in better.items())
    for reason in neither(decision.facts):
        yield from wrap(f"Neither: {reason}", width, subsequent_indent="  ")
    if decision.comparison.composer is None:
        yield from wrap(NO_COMPOSER, width, subsequent_indent="  ")
    if decision.facts.calls:
        minutes = int(STEP.total_seconds() // 60)
        line = f"Small steps are assumed to take {minutes} min where the usage file gives no hours."
        yield from wrap(line, width, subsequent_indent="  ")
