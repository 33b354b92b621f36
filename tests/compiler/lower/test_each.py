"""`for_each` lowered: what is mapped, where each of them writes, and names that do not collide."""

from __future__ import annotations

from pathlib import Path

from dagfactory.compiler.compile import compile_spec
from dagfactory.compiler.lower.dag import lower
from dagfactory.dagfile.model import DagFile, Group, Operator, Variable
from dagfactory.dagfile.render import render

ENVIRONMENT = "environment: e\nproject: demo-project\nregion: us-central1\nbucket: gs://demo-ml\n"


def lowered(folder: Path, tasks: str, head: str = "") -> DagFile:
    (folder / "environments").mkdir(exist_ok=True)
    (folder / "environments/e.yaml").write_text(ENVIRONMENT)
    path = folder / "p.yaml"
    path.write_text(f"pipeline: p\n{head}\ntasks:\n{tasks}")
    made = compile_spec(path, "e")
    assert made.plan, made.diagnostics
    return lower(made.plan, source="p.yaml")


def test_a_list_of_the_spec_is_mapped_as_it_is(tmp_path: Path) -> None:
    (made,) = lowered(
        tmp_path, "  a: {type: bash, for_each: [x, {n: '$${HOME}'}], command: \"echo ${each}\"}\n"
    ).members
    assert isinstance(made, Operator)
    assert made.arguments["bash_command"] == "echo {{ params.for_each }}"
    assert made.expand == {"params": [{"for_each": "x"}, {"for_each": {"n": "${HOME}"}}]}


def test_a_list_of_the_run_is_read_first_and_only_the_reading_may_start_oddly(
    tmp_path: Path,
) -> None:
    tasks = (
        "  a: {type: bash, for_each: '${params.l}', command: x, trigger_rule: all_done, queue: q,"
    )
    tasks += " retries: {attempts: 1}}\n  a__items: {type: empty, after: [a]}\n"
    module = lowered(tmp_path, tasks, "params: {l: {type: array}}")
    group = module.members[0]
    assert isinstance(group, Group)
    reading, each = group.members
    assert isinstance(reading, Operator)
    assert isinstance(each, Operator)
    assert reading.arguments == {
        "task_id": "items",
        "items": "{{ params.l }}",
        "retries": 1,
        "queue": "q",
        "trigger_rule": "all_done",
    }
    assert "trigger_rule" not in each.arguments
    assert reading.variable != "a__items"  # that is a task of the spec
    assert each.expand == {"params": Variable(reading.variable, output=True)}
    assert module.edges == (("a", "a__items"),)
    compile(render(module), "p.py", "exec")


def test_what_has_to_be_unique_in_a_run_is_unique_for_each(tmp_path: Path) -> None:
    head = "defaults: {image: 'i:1', machine: {type: n1-standard-4}}"
    tasks = (
        "  fit: {type: train, for_each: [1, 2], module: m}\n"
        "  start: {type: trigger_dag, for_each: [1, 2], dag: other}\n"
        "  alone: {type: trigger_dag, dag: other}\n"
        "  all: {type: python, callable: a.b, args: {d: '${tasks.fit.dir}', r: '${tasks.fit.results}'}}\n"
    )
    fit, start, alone, every = lowered(tmp_path, tasks, head).members
    assert isinstance(fit, Operator)
    assert isinstance(start, Operator)
    assert isinstance(alone, Operator)
    assert isinstance(every, Operator)
    folder = fit.arguments["job"]["baseOutputDirectory"]["outputUriPrefix"]
    assert folder == "gs://demo-ml/runs/p/{{ run_id }}/fit/{{ ti.map_index }}"
    run_id = start.arguments["arguments"]["trigger_run_id"]
    assert run_id == "p.start.{{ run_id ~ '.' ~ ti.map_index }}"
    assert alone.arguments["arguments"]["trigger_run_id"] == "p.alone.{{ run_id }}"
    assert every.arguments["arguments"] == {
        "d": "gs://demo-ml/runs/p/{{ run_id }}/fit",
        "r": "{{ ti.xcom_pull(task_ids=['fit']) | reject('none') | list }}",
    }


def test_a_gate_leads_to_the_reading(tmp_path: Path) -> None:
    tasks = (
        "  good: {type: gate, metrics: 'gs://b/m.json', when: a > 1, then: [fit]}\n"
        "  fit: {type: bash, for_each: '${params.l}', command: x}\n"
    )
    gate = lowered(tmp_path, tasks, "params: {l: {type: array}}").members[0]
    assert isinstance(gate, Operator)
    assert gate.arguments["then"] == ["fit.items"]


def test_ids_with_their_parts_have_to_fit(tmp_path: Path) -> None:
    long = "g" * 61
    tasks = f"  {long}:\n    type: group\n    tasks:\n"
    for depth in range(1, 4):
        pad = "      " * depth
        tasks += f"{pad}{long[:-1]}{depth}:\n{pad}  type: group\n{pad}  tasks:\n"
    path = tmp_path / "p.yaml"
    pad = "      " * 4
    tasks += f"{pad}a: {{type: bash, for_each: '${{params.l}}', command: x}}\n"
    path.write_text(f"pipeline: p\nparams: {{l: {{type: array}}}}\ntasks:\n{tasks}")
    found = compile_spec(path, None)
    assert [each.message for each in found.diagnostics] == [
        "the id has 255 characters with its groups, and Airflow keeps 250"
    ]
