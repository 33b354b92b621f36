"""An estimate as JSON, every number with its day and source, and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dagfactory.cost.report import Sources, change, headline
from dagfactory.cost.words import dollars, formula

if TYPE_CHECKING:
    from dagfactory.cost.alternatives import Alternative
    from dagfactory.cost.terms import Cost, Term

_ESCAPES = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "\n": " "})


def as_json(cost: Cost, others: Sequence[Alternative]) -> str:
    """Return the estimate as JSON."""
    made = {
        "schema_version": 1,
        "pipeline": cost.pipeline,
        "environment": cost.environment,
        "region": cost.region,
        "run_usd": cost.run_usd,
        "month_usd": cost.month_usd,
        "runs": asdict(cost.runs),
        "run": [_term(each) for each in cost.run],
        "month": [_term(each) for each in cost.standing],
        "alternatives": [asdict(each) for each in others],
        "notes": list(cost.notes),
    }
    return json.dumps(made, indent=2) + "\n"


def _term(term: Term) -> dict[str, Any]:
    work = {"work": asdict(term.work)} if term.work else {}
    parts = [{"name": part.name, "count": part.count, **asdict(part.rate)} for part in term.parts]
    return {
        "name": term.name,
        "what": term.what,
        "usd": term.usd,
        "amount": term.amount,
        "unit": term.unit,
        "kind": term.kind,
        **work,
        "parts": parts,
    }


def as_markdown(cost: Cost, others: Sequence[Alternative]) -> str:
    """Return the estimate as a table that a pull request shows, with the sources of its prices."""
    sources = Sources((*cost.run, *cost.standing))
    lines = [headline(cost).translate(_ESCAPES), "", "| | | $ | share | |", "|---|---|--:|--:|---|"]
    lines += _rows("run", cost.run, cost.run_usd, sources)
    month = cost.month_usd
    if cost.run:
        runs = cost.run_usd * cost.runs.count
        lines.append(_row("month", "runs", runs, runs / month, cost.runs.kind))
    lines += _rows("month", cost.standing, month, sources)
    lines += ["", "| a run otherwise | $ | |", "|---|--:|--:|"] if others else []
    lines += [f"| {each.name} | {dollars(each.usd)} | {change(cost, each)} |" for each in others]
    notes = (*(f"price {each}" for each in sources.lines()), *cost.notes)
    lines += ["", *(f"- {each.translate(_ESCAPES)}" for each in notes)]
    return "\n".join(lines).rstrip() + "\n"


def _rows(of: str, terms: Sequence[Term], whole: float, sources: Sources) -> Iterator[str]:
    for each in terms:
        words = f"{each.what}: {formula(each)}{sources.marks(each)}"
        yield _row(of, f"`{each.name}`", each.usd, each.usd / whole, words)


def _row(of: str, name: str, usd: float, share: float, words: str) -> str:
    return f"| {of} | {name} | {dollars(usd)} | {share:.0%} | {words.translate(_ESCAPES)} |"
