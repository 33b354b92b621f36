"""Values of a run in imported commands: the real bash reads them, and runs none."""

from __future__ import annotations

import jinja2
import pytest
import yaml
from processes import run

from dagfactory.diagnostics.source import read
from dagfactory.importers import Options, Source, importer

HOSTILE = "$(touch pwned) `touch pwned`; touch pwned # ' \" * a  b"
X = "{{ params.x }}"


def imported(tmp_path, command, **more):
    """Return the task that is made of a BashOperator's command, and the remarks."""
    task = {"operator": "airflow.operators.bash.BashOperator", "bash_command": command, **more}
    path = tmp_path / "dags.yml"
    dag = {"schedule": "@daily", "catchup": False, "params": {"x": "usual"}, "tasks": {"a": task}}
    path.write_text(yaml.safe_dump({"shell": dag}))
    (found,) = importer("dag_factory").read([Source(read(path, path.name))], Options(""))
    (outcome,) = found.outcomes
    return yaml.safe_load(outcome.text)["tasks"]["a"], [each.code for each in outcome.remarks]


def said(task, folder, value):
    """Return what bash prints for a task, whose templates have been rendered with a value."""

    def rendered(text):
        text = text.replace("$${", "${")
        return jinja2.Template(text).render(params={"x": value}, dag_run={"conf": {"x": value}})

    variables = {name: rendered(each) for name, each in task.get("env", {}).items()}
    command = ["bash", "-c", rendered(task["command"])]
    env = {"PATH": "/usr/bin:/bin", **variables}
    return run(command, cwd=folder, env=env, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("command", "prints"),
    [
        (f"printf %s {X}", "{}"),
        (f'printf %s "{X}"', "{}"),
        (f"printf %s '{X}'", "{}"),
        (f'printf %s "<{X}>"', "<{}>"),
        (f'printf %s "{X}s" x{X}y', "{}sx{}y"),
        (f"printf %s \"it's '{X}'\"", "it's '{}'"),
        (f'X={X}; printf %s "$X"', "{}"),
        (f'printf %s \\"{X}', '"{}'),
        ("printf %s {{ dag_run.conf['x'] }}", "{}"),
        ("printf %s {{ dag_run.conf.get('x', '') | trim }}{{ params['x'] }}", "{}{}"),
    ],
)
def test_a_value_is_one_word_and_never_run(tmp_path, command, prints):
    task, codes = imported(tmp_path, command)
    assert "changed" in codes
    assert "{{" not in task["command"]
    assert said(task, tmp_path, HOSTILE) == prints.replace("{}", HOSTILE)
    assert said(task, tmp_path, "usual") == prints.replace("{}", "usual")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "command",
    [
        "echo {{ ds }}",
        f'bash -c "echo {X}"',
        f"cat <<EOF\n{X}\nEOF",
        f"python -c \"print('{X}')\"",
        f"echo '<{X}>'",
        "{% if params.x %}echo {{ params.x }}{% endif %}",
        f"bq query \"SELECT '{X}'\"",
    ],
)
def test_what_another_program_reads_as_code_stays_as_it_is(tmp_path, command):
    task, codes = imported(tmp_path, command)
    assert task["command"] == command
    assert "changed" not in codes


def test_a_variable_has_a_name_that_nothing_else_uses(tmp_path):
    env = {"X": "mine"}
    task, _ = imported(tmp_path, f"echo $X {X}", env=env, append_env=True)
    assert task["command"] == 'echo $X "$X_2"'
    assert task["env"] == {"X": "mine", "X_2": X}


def test_expressions_of_which_one_begins_like_the_other_have_variables_of_their_own(tmp_path):
    task, _ = imported(tmp_path, "echo {{ params.xy }} {{ params.x }} {{ params.xy }}")
    assert task["command"] == 'echo "$XY" "$X" "$XY"'
    assert task["env"] == {"XY": "{{ params.xy }}", "X": "{{ params.x }}"}


@pytest.mark.parametrize("sets", ["export X=5;", "for X in 1; do :; done;", "read X < /dev/null;"])
def test_a_name_that_the_command_sets_is_not_taken_again(tmp_path, sets):
    task, _ = imported(tmp_path, f"{sets} printf %s {X}")
    assert said(task, tmp_path, HOSTILE) == HOSTILE
