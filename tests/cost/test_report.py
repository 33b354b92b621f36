"""What a reader sees: the dearest first, in any terminal, and everything else as data."""

import json
import re

import pytest

from dagfactory.cost.alternatives import alternatives
from dagfactory.cost.as_data import as_json, as_markdown
from dagfactory.cost.estimate import priced
from dagfactory.cost.report import text
from dagfactory.report import Style

TASKS = {
    "prepare": {"machine": {"type": "n1-standard-4"}},
    "fit": {"machine": {"type": "a2-highgpu-4g", "provisioning": "spot"}},
    "up": {"type": "deploy", "model": "m", "endpoint": "e"},
}


@pytest.fixture
def estimate(planned):
    def made(tasks=TASKS, **said):
        plan = planned(tasks, **said)
        found = priced(plan)
        return found, alternatives(plan, found)

    return made


def test_the_dearest_task_is_the_first_line_and_has_the_longest_bar(estimate):
    lines = text(*estimate(), Style()).splitlines()
    at = lines.index("A RUN")
    assert lines[0].startswith("p in prod (us-central1): $11.53 a run, $171.04 a month")
    assert lines[at + 1].split()[:4] == ["fit", "$11.29", "98%", "████████████████"]
    assert "1 h (assumed) x 1.135 (preemptions) x $9.9429/hour [ab]" in lines[at + 2]


def test_how_much_is_guessed_is_said(estimate):
    assert "100% of a run rests on assumed hours" in text(*estimate(), Style())
    usage = {"tasks": {"fit": {"hours": 1}}}
    assert "\n2% of a run rests" in text(*estimate(usage=usage), Style())
    usage["tasks"]["prepare"] = {"hours": 1}
    assert "rests on" not in text(*estimate(usage=usage), Style())


@pytest.mark.parametrize("width", [60, 80, 100])
def test_tables_fit(estimate, width):
    lines = text(*estimate(), Style(width=width)).splitlines()
    assert max(map(len, lines)) <= width


def test_a_terminal_without_blocks_gets_other_bars(estimate):
    shown = text(*estimate(), Style(encoding="ascii"))
    assert "98% ################" in shown
    assert shown.isascii() or "U+" in shown


def test_alternatives_stand_side_by_side(estimate):
    _, others = estimate()
    found = {each.name: each for each in others}
    assert found["all standard"].usd == pytest.approx(0.2453 + 16.8975 + 0.0268, abs=0.01)
    # the preparation has no flex-start, and of the training no such price is known
    assert "all flex-start" not in found
    assert found["on GKE, without Vertex AI's fee"].usd < found["all spot"].usd
    assert len([name for name in found if name.startswith("in ")]) == 3


def test_what_cannot_be_had_otherwise_stays_as_written(estimate):
    tasks = {"fit": {"machine": {"type": "a3-highgpu-1g", "provisioning": "spot"}}}
    _, others = estimate(tasks | {"prepare": TASKS["prepare"]})
    found = {each.name: each for each in others}
    # it is not sold on demand, and the other one is bought so already
    assert "all standard" not in found
    assert found["all flex-start"].kept == 1


def test_json_has_every_rate_with_its_source(estimate):
    made = json.loads(as_json(*estimate()))
    assert made["schema_version"] == 1
    assert made["run_usd"] == pytest.approx(sum(each["usd"] for each in made["run"]))
    for term in (*made["run"], *made["month"]):
        rate = sum(part["count"] * part["usd"] for part in term["parts"])
        assert term["usd"] == pytest.approx(term["amount"] * rate)
        assert all(part["date"] and part["source"] for part in term["parts"])


def test_markdown_is_a_table_whatever_a_user_wrote(estimate):
    said = {"month": 440, "date": "2026-11-01", "source": "a|b <img src=x>"}
    found, others = estimate(environment={"prices": {"composer": said}})
    lines = as_markdown(found, others).splitlines()
    table = [each for each in lines if each.startswith("| ")]
    assert all(each.count("|") - each.count("\\|") == 6 for each in table[:5])
    assert "<img" not in "\n".join(lines)
    marked = {
        letter for each in table if (mark := re.search(r"\[(\w+)\]", each)) for letter in mark[1]
    }
    said = {each[8] for each in lines if each.startswith("- price ")}
    assert marked == said != set()


def test_a_pipeline_without_jobs_costs_what_stands(estimate):
    found, others = estimate({"a": {"type": "empty"}})
    assert (found.run_usd, found.month_usd, others) == (0, 0, [])
    assert "$0.00 a run" in text(found, others, Style())
    assert as_markdown(found, others)


def test_a_region_is_not_cheaper_for_a_disk_without_a_price(estimate):
    task = {"machine": {"type": "n1-standard-4", "disk": {"size_gb": 64000}}}
    _, others = estimate({"fit": task})
    assert all(each.usd > 64000 * 0.0002 for each in others if each.name.startswith("in "))


def test_what_changes_nothing_is_no_alternative(estimate):
    _, others = estimate({"prepare": TASKS["prepare"]})
    assert "all standard" not in {each.name for each in others}
    assert "all spot" in {each.name for each in others}
