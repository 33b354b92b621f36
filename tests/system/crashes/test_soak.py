"""Runs of a training task in bad weather: preempted, out of stock, refused, its workers killed.

What trains is `counting.py`, which counts its steps and keeps checkpoints. `make long` does 120 runs.
"""

from __future__ import annotations

import random
from collections import Counter

import crashes
import history
import pytest
from crash_scenarios import EAST, OTHER_PLACES, job
from paths import TESTS
from size import LONG, SEED, size

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(3 * 3600 if LONG else 300)]

STEPS = 40
RUNS = size(2, 120)
MOST = 1.05
COUNT = f"exec python {TESTS / 'helpers/counting.py'} {STEPS}"
TASK = crashes.Scenario(
    "soak", job(COUNT, {"strategy": "SPOT"}, **EAST, fallback=OTHER_PLACES), retries=8
)
METHODS = ("CreateTrainingPipeline", "GetTrainingPipeline", "ListTrainingPipelines", "GetCustomJob")


def weather(chance: random.Random) -> list[str]:
    """Draw the faults of one run."""
    drawn = [
        f"preempt:{chance.uniform(0.3, 1.2):.2f}:5",
        f"stockout:{chance.randint(1, 2)}:{chance.choice(['us-east1', 'us-east4'])}",
        f"error:503:1:{chance.choice(METHODS)}",
        f"late:{chance.uniform(0.2, 1.5):.2f}:error",
        f"late:{chance.uniform(0.2, 2):.2f}:backing",
        f"quota:1:{chance.choice(['us-east1', 'us-east4'])}",
        f"slow_queue:{chance.uniform(0.1, 0.5):.2f}",
    ]
    return chance.sample(drawn, chance.randint(1, 4))


def deaths(chance: random.Random) -> dict[int, crashes.Death]:
    """Draw the steps of one run in which its worker dies."""
    steps = chance.sample(range(5), chance.randint(0, 3))
    moments, ways = (*crashes.MOMENTS, "unreported"), (crashes.RETRY, crashes.AGAIN)
    return {
        step: crashes.Death(step, chance.randint(1, 4), chance.choice(moments), chance.choice(ways))
        for step in steps
    }


def trained(stage, play) -> int:
    """Return how many steps all jobs of a task have trained together."""
    place = stage.emulator.state / "gcs/demo-ml/crashes" / play.task / "checkpoints"
    lines = (place / "trained").read_text().splitlines()
    assert lines[-1] == str(STEPS)
    return len(lines)


def test_every_run_ends_as_it_should_and_trains_once(stage):
    chance = random.Random(SEED)  # noqa: S311 - reproducible, not secret
    steps, met, wrong = [], Counter(), []
    for number in range(RUNS):
        faults, dying = weather(chance), deaths(chance)
        stage.emulator.faults(*faults)
        play = crashes.Play(stage, TASK, dying)
        end = play.run()
        met.update(["death"] * sum("killed" in fate for fate in play.fates))
        met.update(fault.split(":")[0] for fault in faults)
        found = history.problems(stage.emulator.state, play.task)
        if end != play.expected or found:
            wrong.append(f"run {number} ended in {end}: {faults} {dying} {play.fates} {found}")
        else:
            steps.append(trained(stage, play))
    ratio = sum(steps) / (STEPS * max(1, len(steps)))
    weathers = ", ".join(f"{count} {kind}" for kind, count in sorted(met.items()))
    print(f"{RUNS} runs ({weathers}), {len(wrong)} wrong, trained steps {ratio:.3f} of undisturbed")  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert ratio <= MOST
