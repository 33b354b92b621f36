"""`dagfactory cost` from its arguments to its exit code."""

import json

import pytest
from paths import ROOT

from dagfactory.__main__ import run

SPEC = """
pipeline: p
defaults: {image: "us-docker.pkg.dev/p/r/fit:1"}
tasks:
  fit: {type: train, module: my_team.fit, machine: {type: MACHINE}}
"""
PLACE = "environment: prod\nproject: demo-prod\nregion: us-central1\nbucket: gs://demo-prod\n"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Price a machine; return exit code, standard output and standard error."""

    def ask(*arguments, machine="n1-standard-4", more="", usage=None):
        monkeypatch.chdir(tmp_path)
        for name in ("environments", "usage"):
            (tmp_path / "specs" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "specs/environments/prod.yaml").write_text(PLACE)
        (tmp_path / "specs/p.yaml").write_text(SPEC.replace("MACHINE", machine) + more)
        if usage:
            (tmp_path / "specs/usage/p.yaml").write_text(usage)
        code = run(["cost", "specs/p.yaml", "--env", "prod", *arguments])
        return code, *capsys.readouterr()

    return ask


def test_a_spec_is_priced(said):
    code, out, err = said()
    assert (code, err) == (0, "")
    assert out.startswith("p in prod (us-central1): $0.25 a run, $0.25 a month")


def test_json(said):
    code, out, _ = said("--format", "json")
    assert code == 0
    assert json.loads(out)["run"][0]["name"] == "fit"


def test_an_empty_usage_file_is_not_told_to_be_a_pipeline(said):
    code, _, err = said(usage="# nothing yet\n")
    assert code == 1
    assert "specs/usage/p.yaml:1:1" in err
    assert "= help: write its keys, or delete the file" in err


def test_an_unknown_price_is_a_finding_at_its_place_and_no_sum(said):
    code, out, err = said(machine="n2-standard-8")
    assert (code, out) == (1, "")
    assert "DF335" in err
    assert "specs/p.yaml:5:59" in err


def test_more_than_the_budget_is_shown_and_fails(said):
    code, out, err = said(more="budget: {run: 0.1}\n")
    assert code == 1
    assert out.startswith("p in prod")
    assert "DF334" in err


@pytest.mark.parametrize(
    ("usage", "code"),
    [
        ("tasks: {fitt: {hours: 2}}\n", "DF202"),
        ("tasks: {fit: {hours: -1}}\n", "DF123"),
        ("hours: 2\n", "DF120"),
        ("preemptions: {every: 1m}\n", "DF123"),
        ("[1]\n", "DF122"),
    ],
)
def test_a_wrong_usage_file_is_a_finding_in_it(said, usage, code):
    status, _, err = said(usage=usage)
    assert status == 1
    assert code in err
    assert "specs/usage/p.yaml:1:" in err


def test_check_reads_no_usage_file_as_a_spec(said, capsys):
    said(usage="tasks: {fit: {hours: 2}}\n")
    assert run(["check"]) == 0
    assert "checked 1 spec" in capsys.readouterr().err


def test_a_budget_holds_when_rendering_though_only_the_usage_changed(said, tmp_path):
    more = "budget: {run: 1}\n"
    said(more=more, usage="tasks: {fit: {hours: 1}}\n")
    render = ["render", "specs", "--env", "prod", "--out", str(tmp_path / "dags")]
    assert run(render) == 0
    said(more=more, usage="tasks: {fit: {hours: 10}}\n")
    assert run(render) == 1


def test_a_comparison_of_a_spec_and_the_published_one(said, capsys):
    code, out, _ = said("--compare")
    assert code == 0
    assert out.startswith("p in prod: Composer or Vertex AI Pipelines?")
    assert run(["cost", "--compare"]) == 0
    assert "Pipelines, like for like: $88.53" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["specs"],
        ["--compare", "--format", "markdown"],
        ["--env", "prod"],
        ["--compare", "--format", "json"],
        ["--compare", "--measure"],
    ],
)
def test_what_is_missing_is_wrong_usage(arguments, capsys):
    assert run(["cost", *arguments]) == 2
    assert "error" in capsys.readouterr().err.lower()


def shown(page):
    """Return the commands of a page with what they print."""
    for block in page.split("```\n$ ")[1:]:
        command, _, output = block.partition("\n```")[0].partition("\n")
        yield command, output


COMMANDS = dict(shown((ROOT / "docs/cost.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_manual_shows_what_is_printed(command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    assert run(command.split()[1:]) == 0
    assert COMMANDS[command] in capsys.readouterr().out


def test_neither_a_budget_nor_prices_mark_a_dag_file_as_changed(said, tmp_path):
    price = "{type: n2-standard-8, region: us-central1, spot: 1, date: 2026-11-01, source: x}"
    made = []
    for more, place in (("", ""), ("budget: {run: 900}\n", f"prices: {{machines: [{price}]}}\n")):
        said(more=more)
        (tmp_path / "specs/environments/prod.yaml").write_text(PLACE + place)
        assert run(["render", "specs", "--env", "prod", "--out", str(tmp_path / "dags")]) == 0
        made.append((tmp_path / "dags/p.py").read_bytes())
    assert made[0] == made[1]
