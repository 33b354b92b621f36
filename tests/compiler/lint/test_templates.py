"""Names in templates: every wrong one is found wherever it stands, and no right one is."""

import pytest
from templated import HEAD, PLACES, TIMED, at, findings

from dagfactory.compiler.lint.templates import ALERT
from dagfactory.runtime.alert_context import event_fields

CASE = (
    "echo {{ execution_date }} {{ next_ds }} {{ dss }} {{ params.nope }} {{ macros.ds_ad(ds, 1) }}"
    " {{ ds | datefrmat }}"
)

WRONG = {
    "{{ dss }}": "did you mean `ds`?",
    "{{ Ds }}": "did you mean `ds`?",
    "{{ runid }}": "did you mean `run_id`?",
    "{{ data_interval_strat }}": "did you mean `data_interval_start`?",
    "{{ who }}": "write `params.who`",
    "{{ nothing.like_it }}": "a parameter of the run is written `params.NAME`",
    "{{ macros.ds_ad(ds, 1) }}": "did you mean `ds_add`?",
    "{{ macros.nothing(ds) }}": None,
    "{{ macros.date_time.now() }}": "did you mean `datetime`?",
    "{{ ti.xcom_pul('a') }}": "did you mean `xcom_pull`?",
    "{{ task_instance.try_numbr }}": "did you mean `try_number`?",
    "{{ dag_run.config['x'] }}": "did you mean `conf`?",
    "{{ dag.dagid }}": "did you mean `dag_id`?",
    "{{ var.valu.x }}": "did you mean `value`? (expected: `json`, `value`)",
    "{{ ds | ds_nodashes }}": "did you mean `ds_nodash` or `ts_nodash`?",
    "{{ ds | uper }}": "did you mean `upper`?",
    "{{ ds is defned }}": "did you mean `defined`?",
    "{% if dss %}x{% endif %}": "did you mean `ds`?",
    "{% for x in outlts %}{{ x }}{% endfor %}": "did you mean `outlets`?",
    "{% set day = dss %}{{ day }}": "did you mean `ds`?",
    "{{ macros.ds_add(dss, -1) }}": "did you mean `ds`?",
    "{{ params['who'] ~ dss }}": "did you mean `ds`?",
}

RIGHT = [
    "{{ ds }} {{ ts_nodash_with_tz }} {{ data_interval_end.add(hours=2) | ts }}",
    "{{ macros.ds_add(ds, -90) }} {{ macros.datetime.now() }} {{ macros.my_plugin.day(ds) }}",
    "{{ params.who }} {{ params['count'] }} {{ params.get('else', 1) }} {{ params.items() | list }}",
    "{{ params.nope | default('x') }} {{ params.nope is defined }}",
    "{{ dss | default('x') }} {{ dss | d('x') }}",
    "{% if dss is defined %}{{ dss }}{% endif %}",
    "{% set day = ds %}{{ day }} {% set a, b = 1, 2 %}{{ a + b }}",
    "{% for each in [1, 2] %}{{ each }} {{ loop.index }}{% else %}{{ ds }}{% endfor %}",
    "{% macro day(x) %}{{ x }}{{ varargs }}{% endmacro %}{{ day(ds) }}",
    "{{ var.value.anything }} {{ var.json.a.b }} {{ var.value.get('x', 'y') }} {{ var.get('value') }}",
    "{{ conn.anything.host }} {{ conn.get('a').login }} {{ task.my_own_field }}",
    "{{ ti.xcom_pull(task_ids='a')['b'] }} {{ task_instance.task_id }} {{ ti.task.pool }}",
    "{{ dag_run.conf['anything'] }} {{ dag_run.conf.get('x') }} {{ dag_run.run_type }}",
    "{{ dag.dag_id }} {{ inlets }} {{ outlets[0].uri }} {{ run_id }} {{ map_index_template }}",
    "{{ range(3) | list }} {{ dict(a=1) }} {{ namespace(x=1).x }}",
    "{{ ds | upper | replace('-', '') | trim }} {{ 1 is divisibleby 2 }} {{ ds is not none }}",
    "{# {{ dss }} #} {% raw %}{{ dss }}{% endraw %} {{ '{{ dss }}' }}",
    "{{ [1, 2] | map('int') | select('odd') | list }} {{ triggering_asset_events }}",
    "{{ dag_run.logical_date or dag_run.run_after }} {{ ds if ds == '2026-01-05' else ts }}",
    "{% do [].append(ds) %}{{ {'a': ds}['a'] }} {{ ds[:4] }} {{ (ds, ts)[0] }}",
    "no template, ds and dss and { dss }",
]


def said(diagnostics):
    return [(each.code, each.severity) for each in diagnostics]


def test_the_case(tmp_path):
    found = findings(tmp_path, at("a command", CASE))
    assert [(each.code, each.message, each.help) for each in found] == [
        ("DF351", "Airflow 3 has no `execution_date`", "write `logical_date`"),
        ("DF351", "Airflow 3 has no `next_ds`", "write `data_interval_end | ds`"),
        ("DF350", "Airflow's templates have no `dss`", "did you mean `ds`?"),
        ("DF205", "unknown parameter `nope`", "declare it under `params:`"),
        ("DF350", "Airflow has no macro `ds_ad`", "did you mean `ds_add`?"),
        ("DF350", "Jinja has no filter `datefrmat`", "did you mean `format` or `default`?"),
    ]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_names_are_found_with_what_was_meant(tmp_path, text):
    (found,) = findings(tmp_path, at("a variable", text))
    assert (found.code, found.severity) == ("DF350", "error")
    assert WRONG[text] is None or found.help == WRONG[text]


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_name_is_found_wherever_it_stands(tmp_path, place):
    wrong = findings(tmp_path, at(place, "the {{ run_idd }} of it"))
    assert said(wrong) == [("DF350", "error")]
    line = (tmp_path / "specs/spec.yaml").read_text().splitlines()[wrong[0].span.line - 1]
    assert line[wrong[0].span.column - 1 :].startswith("run_idd }}")
    assert said(findings(tmp_path, at(place, "the {{ run_id }} of it"))) == []


@pytest.mark.parametrize("text", RIGHT)
def test_right_names_are_not_found(tmp_path, text):
    for place in ("a variable", "an argument of Python"):
        assert said(findings(tmp_path, at(place, text))) == []


GONE = {
    "{{ execution_date }}": "logical_date",
    "{{ execution_date.strftime('%Y') }}": "logical_date",
    "{{ next_ds }}": "data_interval_end | ds",
    "{{ yesterday_ds }}": "macros.ds_add(ds, -1)",
    "{{ tomorrow_ds_nodash }}": "macros.ds_add(ds, 1) | replace('-', '')",
    "{{ prev_execution_date_success }}": "prev_data_interval_start_success",
    "{{ triggering_dataset_events }}": "triggering_asset_events",
    "{{ dag_run.execution_date }}": "dag_run.logical_date",
    "{{ macros.ds_add(prev_ds, 1) }}": "prev_data_interval_start_success | ds",
    "{{ conf.get('core', 'x') }}": "dag_run.conf",
}


@pytest.mark.parametrize("text", GONE)
def test_what_airflow_3_gave_up_is_an_error_there_and_a_warning_before(tmp_path, text):
    for target, severity in (("airflow3", "error"), ("airflow2", "warning")):
        (found,) = findings(tmp_path, at("a variable", text), target=target)
        assert (found.code, found.severity) == ("DF351", severity)
        assert found.message.startswith("Airflow 3 has no `")
        assert found.help == f"write `{GONE[text]}`"


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("{{ dag_run.run_after }}", "dag_run.data_interval_end"),
        ("{{ triggering_asset_events }}", "triggering_dataset_events"),
    ],
)
def test_what_airflow_2_has_not_yet_is_an_error_there(tmp_path, text, other):
    (found,) = findings(tmp_path, at("a variable", text), target="airflow2")
    assert (found.code, found.severity) == ("DF351", "error")
    assert (found.message[:14], found.help) == ("Airflow 2 has ", f"write `{other}`")
    assert said(findings(tmp_path, at("a variable", text))) == []


def test_what_stands_for_a_name_has_no_finding_on_airflow_3(tmp_path):
    for instead in GONE.values():
        assert said(findings(tmp_path, at("a variable", f"{{{{ {instead} }}}}"))) == []


def test_a_template_that_asks_first_may_serve_both_lines(tmp_path):
    text = "{{ logical_date if logical_date is defined else execution_date }}"
    for target in ("airflow2", "airflow3"):
        assert said(findings(tmp_path, at("a variable", text), target=target)) == []


OPERATOR = "a: {type: operator, operator: my.own.Operator, args: {text: TEXT}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ dss }}", [("DF350", "warning")]),
        ("{{ execution_date }}", [("DF351", "warning")]),
        ("{{ workflow.name }}", []),
        ("{{ ds }}", []),
    ],
)
def test_of_any_operator_only_what_resembles_a_name_is_said(tmp_path, text, expected):
    assert said(findings(tmp_path, OPERATOR.replace("TEXT", f'"{text}"'))) == expected


def test_an_operator_may_bring_its_own_params(tmp_path):
    task = "a: {type: operator, operator: my.own.Operator, args: {sql: TEXT, params: {day: 1}}}"
    assert said(findings(tmp_path, task.replace("TEXT", '"{{ params.day }}"'))) == []
    assert said(findings(tmp_path, task.replace("TEXT", '"{{ params.dy }}"')))[0][0] == "DF205"


ALERTS = "a: {type: bash, command: work, alerts: {on_failure: [{slack: {connection: c, message: TEXT}}]}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ alert.title }} {{ ds }} {{ exception }}", []),
        ("{{ alert.titel }}", [("DF350", "warning")]),
        ("{{ alrt.title }}", [("DF350", "warning")]),
        ("{{ dss }}", [("DF350", "warning")]),
    ],
)
def test_alerts_know_more_names_and_are_sent_anyway(tmp_path, text, expected):
    assert said(findings(tmp_path, ALERTS.replace("TEXT", f'"{text}"'))) == expected
    head = (
        HEAD
        + TIMED
        + f'alerts: {{on_run_failure: [{{slack: {{connection: c, message: "{text}"}}}}]}}\n'
    )
    assert said(findings(tmp_path, "a: {type: bash, command: work}", head)) == expected


def test_an_alert_s_fields_exist_only_in_alerts(tmp_path):
    assert said(findings(tmp_path, at("a command", "echo {{ alert.title }}")))[0][0] == "DF350"


def test_the_fields_of_an_alert_are_those_that_it_has():
    assert set(ALERT) == set(event_fields("failure", {}))


def test_of_very_many_the_first_hundred_are_said(tmp_path):
    text = " ".join(f"{{{{ dss{number} }}}}" for number in range(300))
    assert said(findings(tmp_path, at("a command", text))) == [("DF350", "error")] * 100


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "ds ~ " * 5000 + "ds }}",
        "{{ " + "(" * 2000 + "ds" + ")" * 2000 + " }}",
        "{% if ds %}" * 500 + "x" + "{% endif %}" * 500,
        "{{ ds" + ".x" * 3000 + " }}",
        "{{ ds" + " | upper" * 3000 + " }}",
    ],
    ids=["long", "nested", "branches", "attributes", "filters"],
)
def test_a_template_of_any_depth_has_an_end(tmp_path, text):
    assert {each.code for each in findings(tmp_path, at("a command", text))} <= {"DF216"}
