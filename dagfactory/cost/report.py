"""An estimate for people: what dominates comes first, and every number says where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING

from dagfactory.cost.terms import total
from dagfactory.cost.words import counted, dollars, formula
from dagfactory.diagnostics.columns import table
from dagfactory.diagnostics.terminal import safe

if TYPE_CHECKING:
    from dagfactory.cost.alternatives import Alternative
    from dagfactory.cost.terms import Cost, Term
    from dagfactory.report import Style

_BAR, _SHORT_BAR, _NARROW = 16, 6, 80
"""Cells of a bar of 100 %, and in terminals narrower than so many columns."""


def text(cost: Cost, others: Sequence[Alternative], style: Style) -> str:
    """Return the estimate as text."""
    sources = Sources((*cost.run, *cost.standing))
    lines = [
        *wrap(headline(cost), style.width, subsequent_indent="  "),
        *(each for line in _known(cost) for each in wrap(line, style.width)),
        "",
        *_terms("A RUN", cost.run, sources, style),
        *(
            _terms("A MONTH", (*_runs(cost), *cost.standing), sources, style)
            if cost.standing
            else ()
        ),
        *_alternatives(cost, others),
        *_wrapped("Prices", sources.lines(), style),
        *_wrapped("Not in these sums, or not what one expects", cost.notes, style, "-"),
    ]
    return "\n".join(safe(each, style.encoding) for each in lines)


def headline(cost: Cost) -> str:
    """Return the sums in a line."""
    sums = f"{dollars(cost.run_usd)} a run, {dollars(cost.month_usd)} a month"
    return f"{cost.pipeline} in {cost.environment} ({cost.region}): {sums}"


def _known(cost: Cost) -> Iterator[str]:
    """Say by what the runs are known, and how much of the sums is a guess."""
    runs = cost.runs
    yield f"{counted(runs.count, 'run')} a month, {runs.kind}: {runs.words}"
    guessed = [each for each in cost.run if each.kind == "assumed"]
    if guessed:
        share = f"{total(guessed) / cost.run_usd:.0%}"
        yield f"{share} of a run rests on assumed hours: `--measure` takes them from past jobs"


def _runs(cost: Cost) -> Iterator[Term]:
    """Yield the runs of a month as one term."""
    count = cost.runs.count
    parts = tuple(
        replace(part, count=part.count * each.amount) for each in cost.run for part in each.parts
    )
    if parts:
        first = cost.run[0]
        name = counted(count, "run")
        yield replace(
            first,
            name=name,
            what="",
            amount=count,
            unit="run",
            kind=cost.runs.kind,
            parts=parts,
            work=None,
        )


def _terms(title: str, terms: Sequence[Term], sources: Sources, style: Style) -> list[str]:
    """Lay out terms, the dearest first, with their shares."""
    if not terms:
        return []
    whole = total(terms)
    ordered = sorted(terms, key=lambda each: -each.usd)
    digits = max(len(dollars(each.usd)) for each in ordered)
    rows = [
        (
            each.name,
            dollars(each.usd).rjust(digits),
            _share(each.usd / whole if whole else 0.0, style),
            each.what,
            f"{formula(each)}{sources.marks(each)}",
        )
        for each in ordered
    ]
    rows.append(("together", dollars(whole).rjust(digits), "", "", ""))
    return [*_fitting((title, "", "", "", ""), rows, style.width), ""]


def _fitting(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Lay out rows; where they are too wide, the last column goes below its row."""
    lines = table(head, rows)
    if max(map(len, lines)) <= width:
        return lines
    narrow = table(head[:-1], [each[:-1] for each in rows])
    made = [narrow[0]]
    for line, row in zip(narrow[1:], rows, strict=True):
        made += [line, *wrap(row[-1], width, initial_indent="    ", subsequent_indent="      ")]
    return made


def _share(part: float, style: Style) -> str:
    full = "#" if "█".encode(style.encoding, "ignore") == b"" else "█"
    cells = _BAR if style.width >= _NARROW else _SHORT_BAR
    return f"{part:4.0%} {full * round(part * cells)}".ljust(cells + 5)


def _alternatives(cost: Cost, others: Sequence[Alternative]) -> list[str]:
    if not others:
        return []
    rows = [("as written", dollars(cost.run_usd), "", "")]
    rows += [(each.name, dollars(each.usd), change(cost, each), _kept(each)) for each in others]
    digits = max(len(each[1]) for each in rows)
    aligned = [(name, usd.rjust(digits), moved, kept) for name, usd, moved, kept in rows]
    return [*table(("A RUN OTHERWISE", "", "", ""), aligned), ""]


def change(cost: Cost, other: Alternative) -> str:
    """Return by how much an alternative is dearer or cheaper, in per cent."""
    return f"{other.usd / cost.run_usd - 1:+.0%}" if cost.run_usd else ""


def _kept(other: Alternative) -> str:
    return f"{other.kept} as written: no such price" if other.kept else ""


def _wrapped(title: str, lines: Iterable[str], style: Style, mark: str = "") -> list[str]:
    made = [each for line in lines for each in _hung(f"{mark} {line}".strip(), style.width)]
    return [f"{title}:", *made, ""] if made else []


def _hung(line: str, width: int) -> list[str]:
    indent = " " * (line.index(" ") + 1)
    return wrap(line, width, subsequent_indent=indent, break_on_hyphens=False)


class Sources:
    """The sources of an estimate, each with a letter."""

    def __init__(self, terms: Iterable[Term]) -> None:
        rates = (part.rate for each in terms for part in each.parts)
        found = dict.fromkeys((rate.date, rate.source) for rate in rates)
        self._known = {source: _letter(number) for number, source in enumerate(found)}

    def marks(self, term: Term) -> str:
        """Return the letters of a term's sources, in brackets."""
        # what a run costs in all has its sources beside its own terms
        if term.unit == "run":
            return ""
        found = (self._known[part.rate.date, part.rate.source] for part in term.parts)
        return f" [{''.join(dict.fromkeys(found))}]"

    def lines(self) -> Iterator[str]:
        """Yield what the letters mean."""
        for (date, source), letter in self._known.items():
            yield f"{letter} {date}: {source}"


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"{number}"  # noqa: PLR2004 - the alphabet
