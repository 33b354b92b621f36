"""`dagfactory trials`: what a sweep will run, and the same line wherever else it is said."""

import json

import pytest

from dagfactory.__main__ import run
from dagfactory.runtime import grid

HEAD = """
pipeline: p
defaults: {image: "us-docker.pkg.dev/p/r/fit:1", machine: {type: n1-standard-4}}
tasks:
  search:
    type: sweep
    module: my_team.fit
    metric: {name: loss, goal: minimize}
"""
GRID = """
    parameters:
      optimizer: {values: [sgd, adam]}
      momentum: {values: [0.8, 0.9], when: optimizer == 'sgd'}
      hidden: {values: [[64, 64], [128]]}
"""
HALVING = """
    method: halving
    trials: 27
    parameters: {lr: {min: 1e-4, max: 1e-2, scale: log}}
    halving: {argument: epochs, min: 1, max: 9}
"""
PACKED = """
    parameters: {width: {values: [8, 16]}, lr: {values: [0.1, 0.2, 0.3]}}
    pack: {trials: 2, varying: [lr]}
"""
STEERED = """
    method: bayes
    trials: 12
    parameters: {lr: {min: 0.1, max: 0.2}}
"""
PLACE = "environment: prod\nproject: demo-prod\nregion: us-central1\nbucket: gs://demo-prod\n"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """List a sweep; return exit code, standard output and standard error."""

    def ask(body, *arguments, spec="specs/p.yaml", usage="", command="trials"):
        monkeypatch.chdir(tmp_path)
        for name in ("environments", "usage"):
            (tmp_path / "specs" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "specs/environments/prod.yaml").write_text(PLACE)
        (tmp_path / "specs/p.yaml").write_text(HEAD + body.lstrip("\n"))
        (tmp_path / "specs/usage/p.yaml").write_text(usage or "runs_per_month: 1")
        return run([command, spec, *arguments]), *capsys.readouterr()

    return ask


def test_a_grid_with_what_only_some_trials_have(said):
    code, out, err = said(GRID)
    assert (code, err) == (0, "")
    first, head, *rows = out.splitlines()
    assert first == "search: 6 trials, 4 at a time, 6 machine hours (assumed), about $1.47"
    assert head.split() == ["job", "trial", "optimizer", "hidden", "momentum"]
    assert [each.split()[2:] for each in rows] == [
        ["sgd", "[64,64]", "0.8"],
        ["sgd", "[64,64]", "0.9"],
        ["sgd", "[128]", "0.8"],
        ["sgd", "[128]", "0.9"],
        ["adam", "[64,64]"],
        ["adam", "[128]"],
    ]


def test_an_escaped_value_has_the_id_that_its_trial_has_in_a_run(said):
    code, out, _ = said(GRID.replace("adam", "'$${x}'"))
    assert code == 0
    *_, last = out.splitlines()
    _, name, *values = last.split()
    assert values == ["${x}", "[128]"]
    assert name == grid.trial_id({"optimizer": "${x}", "hidden": [128]})


def test_the_rungs_of_halving(said):
    out = said(HALVING, "--limit", "2", usage="tasks: {search: {hours: 0.9}}")[1]
    first, *rungs, _, one, two, more = out.splitlines()
    assert first.startswith("search: 27 + 9 + 3 trials in 3 rungs, 4 at a time, ")
    # 27 x 0.1 + 9 x 0.3 + 3 x 0.9
    assert "8.1 machine hours (given)" in first
    assert rungs == [
        "  rung 0: 27 trials with epochs=1",
        "  rung 1: 9 trials with epochs=3",
        "  rung 2: 3 trials with epochs=9",
    ]
    assert (one.split()[0], two.split()[0], more) == ("0", "1", "  … and 25 more: `--limit 0`")


def test_which_trials_share_a_job(said):
    out = said(PACKED, "--format", "json")[1]
    (found,) = json.loads(out)
    assert (found["trials"], found["jobs"]) == (6, 4)
    assert [each["job"] for each in found["list"]] == [0, 0, 1, 2, 2, 3]


def test_a_study_has_no_list(said):
    out = said(STEERED)[1]
    assert out.startswith("search: 12 trials that Vertex AI chooses, 4 at a time, 12 machine hours")
    assert out.count("\n") == 1


def test_one_sweep_of_a_spec_by_its_name(said):
    assert said(GRID, spec="specs/p.yaml:search")[0] == 0
    code, _, err = said(GRID, spec="specs/p.yaml:serach")
    assert code != 0
    assert "has no sweep `serach`; did you mean `search`?" in err
    code, _, err = said("  x: {type: empty}\n", spec="specs/p.yaml:x")
    assert code != 0


def test_check_and_the_page_of_the_dag_say_the_same_line(said):
    line = said(GRID)[1].splitlines()[0]
    assert f"p: {line}\n" in said(GRID, command="check")[2]
    assert f"p: {line}\n" in said(GRID, command="check")[2], "from the record"
    page = said(GRID, "--env", "prod", "--stdout", command="render")[1]
    assert f'"- {line}\\n"' in page
