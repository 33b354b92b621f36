"""No number comes from nowhere: each leads to a row with its day and source, none stands in code."""

import ast
import re

import pytest
from paths import ROOT

from dagfactory.catalogue.prices import COMPUTE, TRAINING, WAYS
from dagfactory.catalogue.tables import rows
from dagfactory.compiler.compile import compile_spec
from dagfactory.cost.estimate import priced
from dagfactory.cost.terms import total
from dagfactory.project.specs import find_specs

SPECS = [each.relative_to(ROOT) for each in find_specs([ROOT / "specs"])]
DAY = re.compile(r"\d{4}-\d\d-\d\d")
PLAIN = {0.0, 1.0, 365.25}
"""Numbers of the cost room that are no prices."""


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_every_example_is_priced_from_rows_with_a_day_and_a_source(spec):
    found = priced(compile_spec(ROOT / spec, "prod").plan)
    assert not found.problems
    terms = (*found.run, *found.standing)
    month = found.runs.count * total(found.run) + total(found.standing)
    assert found.month_usd == pytest.approx(month)
    said = {row["text"] for row in rows("price_sources.csv")}
    said |= {row["source"] for row in rows("service_prices.csv")}
    for term in terms:
        assert term.usd > 0
        assert term.usd == pytest.approx(term.amount * sum(each.usd for each in term.parts))
        for part in term.parts:
            assert DAY.fullmatch(part.rate.date)
            # what a source of serving adds is a row of its own
            assert any(part.rate.source.startswith(each) for each in said)


def listed():
    """Return all prices of the data files."""
    for table in (TRAINING, COMPUTE):
        yield from (float(row[way]) for row in rows(table) for way in WAYS if row[way])
    yield from (float(row["usd"]) for row in rows("service_prices.csv"))
    for row in rows("published_comparison.csv"):
        yield float(row["value"])


def test_no_price_stands_in_python():
    known = {each for each in listed() if not each.is_integer()}
    folders = ("cost", "catalogue", "authoring", "cli", "language", "compiler")
    files = [path for each in folders for path in (ROOT / "dagfactory" / each).rglob("*.py")]
    found = [
        (path.name, node.lineno, node.value)
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
        if node.value in known
        or (path.parent == ROOT / "dagfactory/cost" and node.value not in PLAIN)
    ]
    assert found == []
