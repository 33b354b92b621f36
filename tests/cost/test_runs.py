"""Runs of a month, by every kind of schedule."""

import pytest

from dagfactory.cost.runs import DAYS, cron_runs, runs_of
from dagfactory.language.pipeline import Pipeline
from dagfactory.language.usage import Usage


def pipeline(schedule):
    return Pipeline.model_validate(
        {"pipeline": "p", "start_date": "2026-01-05", "schedule": schedule, "tasks": {}}
    )


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("0 3 * * *", DAYS),
        ("0 3 * * 1", DAYS / 7),
        ("*/15 * * * *", 96 * DAYS),
        ("0 9-17 * * mon-fri", 9 * 5 * DAYS / 7),
        ("0 0 1 * *", 1),
        ("0 0 1 */3 *", 1 / 3),
        ("0 0 L * *", 1),
        ("0 0 * * mon#1", 1),
        ("0 0 30 2 *", 0),
        ("@daily", DAYS),
    ],
)
def test_cron(text, runs):
    assert cron_runs(text) == pytest.approx(runs, rel=1e-3)


@pytest.mark.parametrize(
    ("schedule", "runs", "kind"),
    [
        ({"every": "6h"}, 4 * DAYS, "by the schedule"),
        ("@weekly", DAYS / 7, "by the schedule"),
        ("@continuous", 1, "assumed"),
        ({"assets": ["gs://b/images"]}, 1, "assumed"),
        (None, 1, "assumed"),
    ],
)
def test_each_schedule_says_where_its_number_comes_from(schedule, runs, kind):
    found = runs_of(pipeline(schedule))
    assert (found.count, found.kind) == (pytest.approx(runs), kind)


def test_a_given_number_of_runs_comes_before_the_schedule():
    usage = Usage.model_validate({"runs_per_month": 12})
    assert runs_of(pipeline("@daily").with_usage(usage)).count == 12
