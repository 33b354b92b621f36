"""Composer or Vertex AI Pipelines: the published sums, like for like, and reasons that hold for a spec."""

import json

import pytest

from dagfactory.cost.compare import compared
from dagfactory.cost.compare_text import Decision
from dagfactory.cost.estimate import priced
from dagfactory.cost.matrix import facts_of, neither, verdicts
from dagfactory.cost.published import sums, text
from dagfactory.report import Style

FIT = {"machine": {"type": "a2-highgpu-1g"}}
BILL = {"date": "2026-11-01", "source": "bill"}
DAILY = {"schedule": "@daily", "start_date": "2026-01-05"}


@pytest.fixture
def decision(planned):
    def made(tasks, workflows=1, **said):
        plan = planned(tasks, **said)
        cost = priced(plan)
        return Decision(cost, compared(plan, cost), facts_of(plan, cost, workflows))

    return made


def sides(made):
    return {each.criterion: each.side for each in made.verdicts}


def test_the_published_sums_and_what_is_wrong_with_them():
    found = {each.name: round(each.usd, 2) for each in sums()}
    assert list(found.values()) == [438.00, 91.53, 470.52, 88.53]
    shown = text()
    assert shown.count("printed ") == 2  # the slip, and the remark on it
    assert "printed $65.53" in shown
    for each in sums():
        assert each.usd == pytest.approx(sum(usd for _, usd in each.terms))


def test_what_runs_on_vertex_ai_costs_the_same_on_both_sides(decision):
    tasks = {"fit": FIT, "up": {"type": "deploy", "model": "m", "endpoint": "e", "after": ["fit"]}}
    made = decision(tasks, **DAILY)
    rows = {each.name: each for each in made.comparison.rows}
    same = [each for each in rows.values() if each.composer == each.pipelines]
    assert len(same) == 2
    assert rows["runs of Vertex AI Pipelines"].pipelines == pytest.approx(30.4375 * 0.03)
    step = rows["1 small step a run on n1-standard-4"].pipelines
    assert step == pytest.approx(30.4375 / 12 * 0.218495)


def test_unknown_is_not_0_and_the_break_even_is_said(decision):
    made = decision({"fit": FIT})
    assert made.comparison.composer is None
    assert made.comparison.break_even == pytest.approx(0.03)
    assert "not known" in made.text(Style())
    assert "below $0.03 a month" in made.text(Style())


def test_a_known_price_decides_by_numbers(decision):
    prices = {"prices": {"composer": {"month": 440, **BILL}}}
    made = decision({"fit": FIT}, environment=prices)
    assert sides(made)["cost"] == "Pipelines"
    assert made.comparison.composer - made.comparison.pipelines == pytest.approx(440 - 0.03)


CASES = [
    ({"fit": FIT}, {}, {"simplicity": "Pipelines", "ML features": "Pipelines"}),
    (
        {"fit": FIT, "w": {"type": "wait_for_dag", "dag": "other"}},
        DAILY,
        {"simplicity": "Composer", "community": "Composer"},
    ),
    ({"fit": FIT}, {"workflows": 12}, {"maintainability": "Composer"}),
    (
        {"fit": {"machine": {**FIT["machine"], "fallback": [{"provisioning": "spot"}]}}},
        {},
        {"ML features": "Composer"},
    ),
    ({"fit": FIT}, {**DAILY, "schedule": "* * * * *"}, {"scalability": "Composer"}),
]


@pytest.mark.parametrize(("tasks", "said", "expected"), CASES)
def test_the_reasons_are_those_of_the_spec(decision, tasks, said, expected):
    found = sides(decision(tasks, **said))
    assert found.keys() == {
        "simplicity",
        "maintainability",
        "scalability",
        "cost",
        "ML features",
        "community",
    }
    assert found | expected == found


SWEEP = {
    "type": "sweep",
    "module": "my_team.fit",
    **FIT,
    "metric": {"name": "a", "goal": "maximize"},
    "parameters": {"rate": {"values": [1, 2]}},
}


@pytest.mark.parametrize(
    ("tasks", "said", "words"),
    [
        ({"a": {"type": "bash", "command": "true"}}, {}, "no job of Vertex AI"),
        ({"fit": FIT}, {}, "gcloud ai custom-jobs create"),
        ({"fit": FIT}, DAILY, "Cloud Scheduler"),
        ({"s": SWEEP}, {}, "hyperparameter tuning job"),
        ({"fit": FIT}, {**DAILY, "schedule": "* * * * *"}, "stream of Dataflow"),
    ],
)
def test_when_neither_is_needed(decision, tasks, said, words):
    assert words in " ".join(neither(decision(tasks, **said).facts))


def test_two_jobs_with_steps_need_one_of_them(decision):
    tasks = {"fit": FIT, "more": FIT, "copy": {"type": "bash", "command": "true"}}
    assert list(neither(decision(tasks, **DAILY).facts)) == []


@pytest.mark.parametrize("width", [60, 100])
def test_it_fits_a_terminal_and_is_data_as_well(decision, width):
    made = decision({"fit": FIT, "say": {"type": "bash", "command": "true"}})
    assert max(map(len, made.text(Style(width=width)).splitlines())) <= width
    data = json.loads(made.as_json())
    assert data["composer_usd"] is None
    assert [each["criterion"] for each in data["criteria"]] == [
        each.criterion for each in verdicts(made.facts, made.comparison)
    ]
