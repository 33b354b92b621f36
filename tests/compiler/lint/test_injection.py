"""Values of a run in commands and SQL: each way in is found, each safe form is not."""

import json

import pytest
from templated import TIMED, findings

HEAD = f"""\
pipeline: p
defaults: {{image: "us-docker.pkg.dev/p/r/fit:1", machine: {{type: n1-standard-8}}}}
params:
  who: {{type: string, default: x}}
  names: {{type: array, default: []}}
  more: {{type: object, default: {{}}}}
  count: {{type: integer, default: 1}}
  share: {{type: number, default: 0.5}}
  dry: {{type: boolean, default: true}}
  size: {{type: string, enum: [small, large], default: small}}
  day: {{type: string, pattern: "^[0-9-]+$", default: "2026-01-05"}}
{TIMED}"""
MADE = "made: {type: bash, command: make}\n"

SHELLS = {
    "bash": "a: {type: bash, command: TEXT}",
    "a job": "a: {type: train, command: [sh, -c, TEXT]}",
    "a job, by path": "a: {type: train, command: [/bin/bash, -e, -c, TEXT]}",
    "flags together": "a: {type: train, command: [bash, -euxc, TEXT, name]}",
    "a pod": "a: {type: kubernetes, image: 'i:1', command: [sh, -c, TEXT]}",
    "a pod's arguments": "a: {type: kubernetes, image: 'i:1', command: [bash, -c], args: [TEXT]}",
    "an operator": "a: {type: operator, operator: my.own.Shell, args: {bash_command: TEXT}}",
    "in a group": "g: {type: group, tasks: {a: {type: bash, command: TEXT}}}",
}
NO_SHELLS = {
    "a variable": "a: {type: bash, command: 'echo \"$WHO\"', env: {WHO: TEXT}}",
    "a directory": "a: {type: bash, command: make, cwd: TEXT}",
    "a word of a command": "a: {type: train, command: [python, fit.py, TEXT]}",
    "an argument of a script": "a: {type: train, command: [sh, -c, 'echo $0', TEXT]}",
    "a script's file": "a: {type: train, command: [bash, run.sh, TEXT]}",
    "a job's argument": "a: {type: train, module: fit, args: {who: TEXT}}",
    "a job's variable": "a: {type: train, module: fit, env: {WHO: TEXT}}",
    "a pod's words": "a: {type: kubernetes, image: 'i:1', command: [report], args: [TEXT]}",
    "Python": "a: {type: python, callable: m.f, args: {who: TEXT}}",
    "a message": "a: {type: notify, slack: {connection: slack_ml, message: TEXT}}",
    "a query's value": "a: {type: bigquery, query: SELECT @who, parameters: {who: TEXT}}",
}
QUERIES = {
    "bigquery": "a: {type: bigquery, query: TEXT}",
    "a gate": "a: {type: gate, query: TEXT, when: n > 0, then: [b]}\nb: {type: empty}",
    "an operator": "a: {type: operator, operator: my.own.Sql, args: {sql: TEXT}}",
    "an operator's list": "a: {type: operator, operator: my.own.Sql, args: {sql: [TEXT]}}",
}

ANYTHING = [
    "${params.who}",
    "${params.names}",
    "${params.more}",
    "{{ params.who }}",
    "{{ params['who'] }}",
    "{{ params.get('who') }}",
    "{{ params.who | upper }}",
    "{{ params.who | default('x') }}",
    "{{ params.who if params.dry else 'x' }}",
    "{{ 'x' if params.dry else params.more.name }}",
    "{{ 'a' ~ params.who ~ 'b' }}",
    "{{ dag_run.conf['x'] }}",
    "{{ dag_run.conf.x }}",
    "{{ dag_run.conf.get('x', 'y') }}",
    "{{ dag_run.conf }}",
    "{% if params.dry %}{{ params.who }}{% endif %}",
    "{% for each in params.names %}{{ params.who }}{% endfor %}",
    "${tasks.made.result}",
    "{{ ti.xcom_pull(task_ids='made') }}",
    "{{ task_instance.xcom_pull('made')['x'] }}",
    "'${params.who}'",
    "{{ params.who | tojson }}",
    "{{ params.who | replace(';', '') }}",
]
HARMLESS = [
    "${params.count}",
    "${params.share}",
    "${params.dry}",
    "${params.size}",
    "${params.day}",
    "{{ params.count }}",
    "{{ params['day'] }}",
    "{{ params.who | int }}",
    "{{ params.names | length }}",
    "{{ dag_run.conf['n'] | float }}",
    "{{ params.who == 'x' }}",
    "{{ 1 if params.who else 0 }}",
    "{% if params.who == 'x' %}x{% endif %}",
    "{{ ti.xcom_pull('made') | int }}",
    "{{ ds }} {{ ds_nodash }} {{ ts }} {{ run_id }}",
    "{{ macros.ds_add(params.day, 1) }} {{ macros.ds_add(ds, -1) }}",
    "${run.dir} ${run.id} ${env.bucket}",
    "{{ dag.dag_id }} {{ ti.try_number }} {{ dag_run.run_type }}",
    "$${params.who} {# {{ params.who }} #}",
    "{{ params.who | urlencode }}",
    "{{ {'a': 1}[params.who] }}",
]


def task(form, text):
    tasks = form.replace("TEXT", json.dumps(text))
    return MADE + tasks if "made" in text else tasks


def codes(found):
    assert all(each.severity == "warning" for each in found)
    return {each.code for each in found}


@pytest.mark.parametrize("text", ANYTHING)
def test_what_may_hold_anything_is_found(tmp_path, text):
    assert codes(findings(tmp_path, task(SHELLS["bash"], f"echo {text}"), HEAD)) == {"DF355"}
    query = task(QUERIES["bigquery"], f"SELECT {text}")
    assert codes(findings(tmp_path, query, HEAD)) == {"DF356"}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_has_a_fixed_form_is_not(tmp_path, text):
    assert findings(tmp_path, task(SHELLS["bash"], f"echo {text}"), HEAD) == []
    assert findings(tmp_path, task(QUERIES["bigquery"], f"SELECT {text}"), HEAD) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_every_text_that_a_shell_reads(tmp_path, shell):
    (found,) = findings(tmp_path, task(SHELLS[shell], "echo ${params.who}"), HEAD)
    assert found.code == "DF355"
    assert found.help == (
        'write `"$WHO"` in the command, and `env: {WHO: "${params.who}"}` beside it'
    )
    line = (tmp_path / "specs/spec.yaml").read_text().splitlines()[found.span.line - 1]
    assert line[found.span.column - 1 :].startswith("${params.who}")
    assert findings(tmp_path, task(SHELLS[shell], "echo ${params.count}"), HEAD) == []


@pytest.mark.parametrize("place", NO_SHELLS)
def test_texts_that_nobody_reads_as_code(tmp_path, place):
    for text in ("${params.who}", "{{ params.who }}", "{{ dag_run.conf.x }}"):
        assert findings(tmp_path, task(NO_SHELLS[place], text), HEAD) == []


@pytest.mark.parametrize("place", QUERIES)
def test_every_query(tmp_path, place):
    (found,) = findings(tmp_path, task(QUERIES[place], "SELECT '${params.who}' AS n"), HEAD)
    assert found.code == "DF356"
    advice = 'write `@who` in the query, and `parameters: {who: "${params.who}"}` beside it'
    other = "give the parameter an `enum` or a `pattern`, or check the value where it is made"
    assert found.help == (advice if place == "bigquery" else other)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("[a, b]", set()),
        ('"${vars.list}"', set()),
        ('"${params.names}"', {"DF355"}),
        ('"${tasks.made.result}"', {"DF355"}),
    ],
)
def test_items_are_harmless_when_they_stand_in_the_spec(tmp_path, items, expected):
    for text in ("ls ${each}", "ls {{ params.for_each }}"):
        tasks = f'{MADE}a: {{type: bash, command: "{text}", for_each: {items}}}'
        assert codes(findings(tmp_path, tasks, HEAD + "vars: {list: [a, b]}\n")) == expected


def test_the_recommended_forms_have_no_finding(tmp_path):
    tasks = """
    made: {type: bash, command: make}
    a: {type: bash, command: 'echo "$WHO" "$MADE"', env: {WHO: "${params.who}", MADE: "${tasks.made.result}"}}
    b: {type: bigquery, query: "SELECT @who", parameters: {who: "${params.who}"}}
    c: {type: bash, command: 'ls "$ITEM"', env: {ITEM: "${each}"}, for_each: "${params.names}"}
    """
    lines = "\n".join(line.strip() for line in tasks.strip().splitlines())
    assert findings(tmp_path, lines, HEAD) == []


def test_a_name_that_no_variable_can_have_is_made_one(tmp_path):
    (found,) = findings(tmp_path, task(SHELLS["bash"], "echo {{ dag_run.conf['my key-1'] }}"), HEAD)
    assert found.help.startswith('write `"$MY_KEY_1"` in the command, and `env: {MY_KEY_1: ')
