"""A date that is another day on the other line is found in a spec that is for both."""

import pytest
from templated import ENVIRONMENT, HEAD, PLACES, at

from dagfactory.compiler.between_lines import SAME
from dagfactory.compiler.check import check_specs

SCHEDULES = {
    '"0 3 * * *"': True,
    '"@daily"': True,
    '"@weekly"': True,
    "{every: 6h}": True,
    '"@once"': False,
    '"@continuous"': False,
    '{assets: [images], cron: "0 3 * * *"}': False,
}


def checked(folder, task, schedule='"0 3 * * *"', targets=("airflow2", "airflow3"), only=None):
    specs = folder / "specs"
    (specs / "environments").mkdir(parents=True, exist_ok=True)
    for name, target in zip(("dev", "prod"), targets, strict=True):
        text = ENVIRONMENT.replace("environment: dev", f"environment: {name}")
        (specs / f"environments/{name}.yaml").write_text(f"{text}target: {target}\n")
    head = f"{HEAD}start_date: 2026-01-05\nmax_active_runs: 1\n"
    head += f"schedule: {schedule}\n" if schedule else ""
    (specs / "spec.yaml").write_text(f"{head}tasks:\n  {task}\n")
    found = check_specs([specs / "spec.yaml"], only).diagnostics
    return [each for each in found if each.code == "DF353"]


@pytest.mark.parametrize("place", PLACES)
def test_it_is_found_wherever_it_stands(tmp_path, place):
    (found,) = checked(tmp_path, at(place, "the {{ ds }} of it"))
    assert (found.severity, found.notes) == ("warning", ())
    assert found.help == "write `data_interval_end | ds`, the same on both"
    assert checked(tmp_path, at(place, "the {{ data_interval_end | ds }} of it")) == []


@pytest.mark.parametrize("name", SAME)
def test_each_such_date_and_what_is_the_same(tmp_path, name):
    (found,) = checked(tmp_path, at("a command", f"echo {{{{ {name} }}}}"))
    assert f"`{name}`" in found.message
    assert checked(tmp_path, at("a command", f"echo {{{{ {SAME[name]} }}}}")) == []


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_it_depends_on_who_makes_the_timetable(tmp_path, schedule):
    found = checked(tmp_path, at("a command", "echo {{ ds }}"), schedule)
    assert bool(found) == SCHEDULES[schedule]


def test_one_line_alone_has_no_difference(tmp_path):
    task = at("a command", "echo {{ ds }}")
    for target in ("airflow2", "airflow3"):
        assert checked(tmp_path, task, targets=(target, target)) == []
    assert checked(tmp_path, task, only="dev") == []
    assert checked(tmp_path, task, schedule="") == []


def test_one_finding_for_a_spec_says_how_many_there_are(tmp_path):
    (found,) = checked(tmp_path, at("a command", "{{ ds }} {{ ts }} {{ logical_date }}"))
    assert found.notes == ("so in 2 more places of this spec",)
