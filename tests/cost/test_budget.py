"""Budgets, and sweeps of a size that nobody meant."""

import pytest

from dagfactory.cost.budget import large_sweeps, over_budget
from dagfactory.cost.estimate import priced
from dagfactory.cost.words import whole

FIT = {"fit": {"machine": {"type": "a2-highgpu-4g"}}}


def findings(plan):
    return list(over_budget(plan, priced(plan)))


def broken(planned, budget, **said):
    """Return the findings of a plan, with a budget that it is given after it was compiled."""
    plan = planned(FIT, **said)
    spec = plan.pipeline.model_validate(
        {"pipeline": "p", "budget": budget, "tasks": {}, "defaults": {}}
    )
    object.__setattr__(plan, "pipeline", plan.pipeline.model_copy(update={"budget": spec.budget}))
    return findings(plan)


def test_the_term_that_broke_it_is_named(planned):
    (found,) = broken(planned, {"run": 10})
    assert found.code == "DF334"
    assert found.message == "a run costs $16.92, more than its budget of $10.00"
    assert found.help == "make `fit` cheaper, or write `run: 17`"
    assert found.place.path == ("budget", "run")
    assert found.labels[0].place.path == ("tasks", "fit", "machine", "type")


def test_a_month_counts_its_runs(planned):
    assert broken(planned, {"month": 500}) == []
    found = broken(planned, {"month": 500}, schedule="@daily", start_date="2026-01-05")
    assert [each.place.path for each in found] == [("budget", "month")]


def test_given_hours_count(planned):
    usage = {"tasks": {"fit": {"hours": 0.5}}}
    assert broken(planned, {"run": 10}, usage=usage) == []


def sweep(size, **more):
    values = list(range(size))
    return {
        "s": {
            "type": "sweep",
            "module": "my_team.fit",
            "machine": {"type": "a2-highgpu-8g"},
            "metric": {"name": "a", "goal": "maximize"},
            "parameters": {"rate": {"values": values}, "decay": {"values": values}},
            **more,
        }
    }


@pytest.mark.parametrize(
    ("tasks", "codes"),
    [
        (sweep(30), ["DF336"]),
        (sweep(30, method="random", trials=20), []),
        (sweep(10, seeds=[0, 1, 2]), ["DF336"]),
        (sweep(30, machine={"type": "n1-standard-4"}), []),
        (sweep(30, machine={"type": "n2-standard-8"}), []),
    ],
)
def test_large_sweeps(planned, tasks, codes):
    assert [each.code for each in large_sweeps(planned(tasks))] == codes


def test_a_budget_says_that_a_size_is_meant(planned):
    assert not list(large_sweeps(planned(sweep(30), budget={"run": 40_000})))


@pytest.mark.parametrize(("usd", "most"), [(0.2, 1), (16.9, 17), (101465.9, 110_000), (99.5, 100)])
def test_a_proposed_budget_holds(usd, most):
    assert whole(usd) == most >= usd
