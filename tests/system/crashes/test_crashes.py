"""A worker dies at any request to Vertex AI, Airflow runs its task again: one job at a time, one end.

`make long` lets it die at every one, at each of three moments, and lets Airflow go on in both of its ways.
"""

from __future__ import annotations

from collections import Counter

import crashes
import history
import pytest
from crash_scenarios import SCENARIOS
from size import LONG, sampled

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(3 * 3600 if LONG else 300)]

SAMPLE = {"only-try", "stockout", "changed", "swap"}
PER_SCENARIO = 2


def died(stage, scenario, death) -> list[str]:
    """Play a scenario with a death and return what went wrong."""
    stage.emulator.faults(*scenario.faults)
    play = crashes.Play(stage, scenario, {death.step: death})
    found = []
    if (end := play.run()) != play.expected:
        found.append(f"{end}, not {play.expected}")
    found += history.problems(stage.emulator.state, play.task)
    return [f"{scenario.name}: {death}: {each}; {play.fates}" for each in found]


def test_a_task_whose_worker_dies_ends_as_it_should_and_leaves_nothing(stage):
    kinds, wrong = Counter(), []
    for scenario in SCENARIOS:
        if not LONG and scenario.name not in SAMPLE:
            continue
        play = crashes.undisturbed(stage, scenario)
        for death, kind in sampled(crashes.deaths(play), PER_SCENARIO):
            kinds[kind] += 1
            wrong += died(stage, scenario, death)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    print(f"{kinds.total()} crash points ({counts}), {len(wrong)} wrong")  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert history.problems(stage.emulator.state) == []
