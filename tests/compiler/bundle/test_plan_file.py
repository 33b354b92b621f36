"""The plans of a bundle: equal meaning, equal bytes; no secret; hidden from Airflow and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pathspec import PathSpec

from dagfactory.compiler.build import build
from dagfactory.compiler.bundle.plan_file import HIDDEN
from dagfactory.compiler.bundle.plan_paths import ENVIRONMENT, IGNORED, plan_path, planned_pipeline

ENVIRONMENT_FILE = """\
environment: prod
project: demo-project
region: us-central1
bucket: gs://demo-bucket
pools: {gpu: {slots: 2}}
vars: {epochs: 5, unused: 1}
"""
SPEC = """\
pipeline: p
schedule: "@daily"
start_date: 2026-01-05
defaults: {image: 'us-docker.pkg.dev/p/r/t:1', machine: {type: n1-standard-8}}
tasks:
  prepare: {type: bash, command: make data, timeout: 90m}
  decide: {type: gate, query: SELECT 1 AS n, when: n > 0, then: [g], else: rest}
  g:
    type: group
    tasks:
      fit: {type: train, module: own, args: {epochs: "${vars.epochs}"}, after: [prepare]}
  rest: {type: empty}
  search:
    type: sweep
    module: own
    metric: {name: loss, goal: minimize}
    parameters: {lr: {values: [0.1, 0.2]}, wd: {values: [1, 2, 3]}}
"""
SAME = """\
# the same in other words
tasks:
  search:
    parameters: {wd: {values: [1, 2, 3]}, lr: {values: [1e-1, 0.2]}}
    metric: {goal: minimize, name: loss}
    module: &own own
    type: sweep
  rest: {type: empty}
  g:
    tasks:
      fit: {after: [prepare], type: train, args: {epochs: 5}, module: *own}
    type: group
  decide: {type: gate, query: SELECT 1 AS n, when: n > 0, then: g, else: [rest]}
  prepare: {timeout: 1h30m, command: 'make data', type: bash}
defaults: {machine: {type: n1-standard-8}, image: us-docker.pkg.dev/p/r/t:1}
start_date: "2026-01-05T00:00:00"
schedule: {preset: "@daily"}
environments: {dev: {}}
vars: {another: 2}
pipeline: p
"""


def plans(folder: Path, spec: str, environment: str | None = "prod") -> dict[str, Any]:
    """Return the plans of a bundle by path."""
    (folder / "environments").mkdir(exist_ok=True)
    for name in ("prod", "dev"):
        text = ENVIRONMENT_FILE.replace("prod", name)
        (folder / f"environments/{name}.yaml").write_text(text)
    (folder / "p.yaml").write_text(spec)
    built = build([folder / "p.yaml"], environment)
    assert built.bundle, built.diagnostics
    files = built.bundle.files.items()
    return {path: json.loads(data) for path, data in files if path.startswith("plans/")}


def test_a_plan_has_the_names_of_the_spec(tmp_path: Path) -> None:
    made = plans(tmp_path, SPEC)
    assert made.keys() == {ENVIRONMENT, "plans/p.json"}
    plan = made["plans/p.json"]
    assert plan["format"] == 1
    assert plan["spec"]["schedule"] == {"preset": "@daily"}
    assert plan["spec"]["start_date"] == "2026-01-05"
    assert plan["spec"]["tasks"]["decide"]["else"] == ["rest"]
    assert plan["spec"]["tasks"]["g"]["tasks"]["fit"]["args"] == {"epochs": 5}
    assert plan["spec"].keys() == {"pipeline", "schedule", "start_date", "defaults", "tasks"}
    assert plan["edges"] == {"fit": ["prepare"], "g": ["decide"], "rest": ["decide"]}
    assert plan["airflow"] == {
        **dict.fromkeys(("prepare", "decide", "g.fit", "rest", "search.best"), 1),
        "search.trial": 6,
    }
    assert made[ENVIRONMENT]["environment"].keys() == {
        *("environment", "project", "region", "bucket", "pools")
    }


def test_how_often_a_task_runs(tmp_path: Path) -> None:
    spec = (
        "pipeline: p\nparams: {l: {type: array, default: [1]}}\ntasks:\n"
        "  known: {type: bash, command: echo, for_each: [a, b, c]}\n"
        "  late: {type: bash, command: echo, for_each: '${params.l}'}\n"
    )
    made = plans(tmp_path, spec)["plans/p.json"]["airflow"]
    assert made == {"known": 3, "late.items": 1, "late.each": None}


def test_other_words_give_the_same_plan(tmp_path: Path) -> None:
    assert plans(tmp_path, SAME) == plans(tmp_path, SPEC)


def test_without_an_environment_there_is_none(tmp_path: Path) -> None:
    spec = "pipeline: p\ntasks: {a: {type: bash, command: echo}}\n"
    assert plans(tmp_path, spec, None).keys() == {"plans/p.json"}


def test_values_that_json_lacks(tmp_path: Path) -> None:
    task = "{type: python, callable: a.b, args: {x: .inf, y: -.inf, z: .nan, n: null, t: true, i: 1, f: 1.0}}"
    made = plans(tmp_path, f"pipeline: p\ntasks: {{a: {task}}}\n")
    args = made["plans/p.json"]["spec"]["tasks"]["a"]["args"]
    expected = {"x": ".inf", "y": "-.inf", "z": ".nan", "n": None, "t": True, "i": 1, "f": 1.0}
    assert json.dumps(args, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize("name", ["plans/p.json", "plans/_environment.json", "plans/a_1.json"])
def test_airflow_passes_plans_over(name: str) -> None:
    assert PathSpec.from_lines("gitignore", [IGNORED]).match_file(name)
    # Airflow 2 searches from the top of the DAG folder, wherever the file with the line lies
    assert re.search(IGNORED, name)
    assert re.search(IGNORED, f"team_plans/ml/{name}")


@pytest.mark.parametrize(
    "name", ["p.py", "plans.py", "plans/p.py", "team_plans/p.py", "plans/dagfactory_runtime_a/m.py"]
)
def test_airflow_passes_nothing_else_over(name: str) -> None:
    assert not PathSpec.from_lines("gitignore", [IGNORED]).match_file(name)
    assert not re.search(IGNORED, name)


def test_whose_plan_a_path_is() -> None:
    assert planned_pipeline(plan_path("p")) == "p"
    others = (ENVIRONMENT, "p.json", "plans/p.txt", "plans/", "manifest.json", "p.py")
    assert not any(map(planned_pipeline, others))


def test_secrets_are_masked_and_references_stay(tmp_path: Path) -> None:
    random = "Zq8vR2mX7pL4kT9wB3nY6cJ1"
    spec = (
        "pipeline: p\nparams: {api_token: {type: string, default: some words}}\ntasks:\n"
        f"  a: {{type: bash, command: run, env: {{RUN: {random}, DB_PASSWORD: mother,"
        " B_TOKEN: '{{ ds }}'}}\n"
        "  secrets: {type: bash, command: run, env: {PASSWORD: mother}}\n"
        "  j: {type: train, module: own, image: 'a-docker.pkg.dev/b/c/d:1', machine: {type: n1-standard-8},"
        " secrets: {WANDB_API_KEY: wandb-api-key}}\n"
    )
    made = plans(tmp_path, spec)["plans/p.json"]["spec"]
    tasks = made["tasks"]
    assert tasks["a"]["env"] == {"RUN": HIDDEN, "DB_PASSWORD": HIDDEN, "B_TOKEN": "{{ ds }}"}
    assert tasks["secrets"]["env"] == {"PASSWORD": HIDDEN}
    assert tasks["j"]["secrets"] == {"WANDB_API_KEY": "wandb-api-key"}
    assert made["params"]["api_token"] == {"type": "string", "default": HIDDEN}
