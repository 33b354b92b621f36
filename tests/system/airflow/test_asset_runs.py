"""Runs without a logical date: all that is reported for them fails in Airflow, what is advised works."""

from __future__ import annotations

from pathlib import Path

import pytest
from dag_test import dag_test
from templated import findings

from dagfactory.compiler.lint.asset_runs import MISSING

pytestmark = pytest.mark.airflow

BY_HAND = "pipeline: p\ndefaults: {retries: {attempts: 0}}\n"
BY_ASSETS = BY_HAND + "schedule: {assets: [images]}\n"

EMPTY = ("logical_date", "data_interval_start", "data_interval_end")
FAILING = {
    **{f"has_{name}": f'{{type: bash, command: "echo {{{{ {name} }}}}"}}' for name in MISSING},
    **{
        f"part_{name}": f'{{type: bash, command: "echo {{{{ dag_run.{name}.year }}}}"}}'
        for name in EMPTY
    },
    "delay": "{type: wait_until, delay: 10m}",
    "clock": '{type: wait_until, time: "06:30"}',
    "updated": '{type: wait_for_gcs, updated: "gs://b/x", timeout: 5s}',
}
IN_VAIN = {"up": "{type: wait_for_dag, dag: nightly, timeout: 1h}"}
"""Reported as well, and not run: `dag.test` knows no timeout of a task that waits without a worker."""

WORKING = {
    **{
        f"has_{name}": f'{{type: bash, command: "echo {{{{ {other} }}}}"}}'
        for name, other in MISSING.items()
    },
    **{
        f"part_{name}": '{type: bash, command: "echo {{ dag_run.run_after.year }}"}'
        for name in EMPTY
    },
    "delay": '{type: wait_until, at: "{{ dag_run.run_after + macros.timedelta(seconds=600) }}"}',
    "clock": '{type: wait_until, at: "{{ dag_run.run_after | ds }}T06:30+00:00"}',
    "either": '{type: bash, command: "echo {{ (dag_run.logical_date or dag_run.run_after) | ds }}"}',
    "asked": '{type: bash, command: "echo {{ ds | default(run_id) }}"}',
    "strftime": "{type: bash, command: \"echo {{ dag_run.run_after.strftime('%Y-%m-%d') }}\"}",
}


def spec(tasks: dict[str, str]) -> str:
    return "\n".join(f"{name}: {task}" for name, task in tasks.items())


def test_each_of_them_is_reported(tmp_path: Path) -> None:
    found = findings(tmp_path, spec(FAILING | IN_VAIN), BY_ASSETS)
    assert {each.code for each in found} == {"DF352"}
    assert len(found) == len(FAILING | IN_VAIN)
    assert findings(tmp_path, spec(WORKING), BY_ASSETS) == []


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str | None]]:
    """Run both kinds; rendered without a schedule, since those that fail could not be with assets."""
    home = tmp_path_factory.mktemp("home")
    both = {f"bad_{k}": v for k, v in FAILING.items()} | {
        f"good_{k}": v for k, v in WORKING.items()
    }
    assert findings(home, spec(both), BY_HAND) == []
    return dag_test(home, {})


@pytest.mark.parametrize("name", FAILING)
def test_what_is_reported_fails(ended: dict[str, list[str | None]], name: str) -> None:
    assert ended[f"bad_{name}"][0] == "failed"


@pytest.mark.parametrize("name", WORKING)
def test_what_is_advised_works(ended: dict[str, list[str | None]], name: str) -> None:
    assert ended[f"good_{name}"][0] == "success"


def test_the_day_is_the_one_on_which_the_run_was_due(ended: dict[str, list[str | None]]) -> None:
    for name in ("has_ds", "either", "strftime"):
        assert ended[f"good_{name}"][1] == "2026-01-05"
    assert ended["good_has_ts_nodash"][1] == "20260105T063000"
