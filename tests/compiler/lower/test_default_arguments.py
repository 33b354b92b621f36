"""Arguments for every operator that takes them, and params of any type."""

from __future__ import annotations

import pytest

from dagfactory.compiler.build import build

ENVIRONMENT = "environment: dev\nproject: demo-dev\nregion: us-central1\nbucket: gs://demo-dev\n"


@pytest.fixture
def built(tmp_path):
    (tmp_path / "specs/environments").mkdir(parents=True)
    (tmp_path / "specs/environments/dev.yaml").write_text(ENVIRONMENT)

    def made(text: str):
        (tmp_path / "specs/p.yaml").write_text(text)
        return build([tmp_path / "specs/p.yaml"], "dev")

    return made


TASK = "tasks:\n  a: {type: bash, command: echo}\n"


def test_they_stand_among_the_default_arguments(built):
    made = built(f"pipeline: p\ndefaults: {{arguments: {{conn_id: pg, email: [a@b.de]}}}}\n{TASK}")
    text = made.bundle.dags["p.py"]
    assert "'conn_id': 'pg'" in text.replace('"', "'")


def test_those_with_keys_of_their_own_are_refused(built):
    made = built(
        f"pipeline: p\ndefaults: {{arguments: {{retries: 3, on_failure_callback: x}}}}\n{TASK}"
    )
    assert [each.message for each in made.diagnostics] == ["`retries` cannot be set here"]


def test_an_operator_needs_no_argument_that_is_given_so(built):
    operator = "type: operator, operator: airflow.providers.standard.operators.bash.BashOperator"
    tasks = f"tasks:\n  a: {{{operator}}}\n"
    assert [each.code for each in built(f"pipeline: p\n{tasks}").diagnostics] == ["DF330"]
    given = f"pipeline: p\ndefaults: {{arguments: {{bash_command: echo}}}}\n{tasks}"
    assert built(given).diagnostics == []


def test_a_param_of_any_type_has_no_schema(built):
    made = built(
        f"pipeline: p\nparams: {{a: {{type: any, default: 1.0.0}}, b: {{type: any}}}}\n{TASK}"
    )
    text = made.bundle.dags["p.py"].replace('"', "'")
    assert "'a': Param('1.0.0')" in text
    assert "'b': Param(None)" in text
