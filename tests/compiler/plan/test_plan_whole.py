"""What only the whole pipeline shows: circles through groups, ids that do not fit, early references."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagfactory.compiler.compile import Compiled, compile_spec
from dagfactory.compiler.plan.texts import template_problem


def compiled(folder: Path, text: str) -> Compiled:
    path = folder / "p.yaml"
    path.write_text(text if text.startswith("pipeline") else f"pipeline: p\n{text}\n")
    return compile_spec(path, None)


def marked(made: Compiled, folder: Path) -> list[tuple[str, str]]:
    """Return each finding's code with the text it is marked at."""
    lines = (folder / "p.yaml").read_text().splitlines()
    found = [(each.code, each.span) for each in made.diagnostics if each.span]
    return [(code, lines[at.line - 1][at.column - 1 : at.end_column - 1]) for code, at in found]


CIRCLES = {
    "a task waits for its group's end": (
        "  g: {type: group, tasks: {m: {type: empty, after: [x]}}}\n  x: {type: empty, after: [g]}",
        {"g", "m", "x"},
    ),
    "a group waits for what uses its member": (
        (
            "  g: {type: group, after: [x], tasks: {m: {type: bash, command: a}}}\n"
            '  x: {type: bash, command: a, env: {M: "${tasks.m.result}"}}'
        ),
        {"g", "m", "x"},
    ),
    "two groups": (
        (
            "  g: {type: group, tasks: {m: {type: empty, after: [h]}}}\n"
            "  h: {type: group, tasks: {n: {type: empty, after: [m]}}}"
        ),
        {"m", "h", "n"},
    ),
    "through an inner group": (
        (
            "  g: {type: group, tasks: {i: {type: group, tasks: {m: {type: empty}}, after: [x]}}}\n"
            "  x: {type: empty, after: [g]}"
        ),
        {"g", "i", "x"},
    ),
}


@pytest.mark.parametrize(("tasks", "names"), CIRCLES.values(), ids=CIRCLES)
def test_circles_through_groups(tmp_path: Path, tasks: str, names: set[str]) -> None:
    (found,) = compiled(tmp_path, f"tasks:\n{tasks}").diagnostics
    assert found.code == "DF206"
    walk = found.message.partition(": ")[2].split(" → ")
    assert walk[0] == walk[-1]
    assert set(walk) <= names | {"m"}
    assert len(walk) >= 3


def test_a_task_between_two_tasks_of_a_group_is_no_circle(tmp_path: Path) -> None:
    text = (
        "tasks:\n  g: {type: group, tasks: {a: {type: empty}, b: {type: empty, after: [x]}}}\n"
        "  x: {type: empty, after: [a]}"
    )
    assert compiled(tmp_path, text).diagnostics == []


def test_an_id_with_its_groups_fits_the_database(tmp_path: Path) -> None:
    names = ["g" * 63, "h" * 63, "i" * 60]

    def text(leaf: str) -> str:
        inner = f"{leaf}: {{type: empty}}"
        for name in reversed(names):
            inner = f"{name}: {{type: group, tasks: {{{inner}}}}}"
        return f"tasks: {{{inner}}}"

    assert compiled(tmp_path, text("j" * 61)).diagnostics == []
    made = compiled(tmp_path, text("j" * 62))
    assert marked(made, tmp_path) == [("DF123", "j" * 62)]


def test_a_pipeline_is_not_called_like_the_runtime(tmp_path: Path) -> None:
    made = compiled(tmp_path, "pipeline: dagfactory_runtime_x\ntasks: {a: {type: empty}}\n")
    assert marked(made, tmp_path) == [("DF123", "dagfactory_runtime_x")]


def test_a_continuous_pipeline_has_one_run(tmp_path: Path) -> None:
    head = "schedule: '@continuous'\nstart_date: 2026-01-05\ntasks: {a: {type: empty}}\n"
    assert marked(compiled(tmp_path, head + "max_active_runs: 2"), tmp_path) == [("DF123", "2")]
    assert compiled(tmp_path, head + "max_active_runs: 1").diagnostics == []


EARLY = [
    'tags: ["${tasks.a.result}"]',
    'description: "see ${tasks.nowhere.result}"',
    'owner: "${params.p}"',
    'params: {p: {type: string, default: "${run.dir}"}}',
    'defaults: {pool: "${params.p}"}',
    'defaults: {image: "${tasks.a.result}"}',
    'schedule: {assets: ["${run.id}"]}',
]


@pytest.mark.parametrize("text", EARLY)
def test_references_that_no_run_has_a_value_for_yet(tmp_path: Path, text: str) -> None:
    params = "" if text.startswith("params") else "params: {p: {type: string, default: x}}\n"
    made = compiled(tmp_path, f"{params}{text}\ntasks: {{a: {{type: bash, command: x}}}}")
    ((code, where),) = marked(made, tmp_path)
    assert code == "DF215"
    assert where.startswith("${")


@pytest.mark.parametrize("key", ["pool", "queue", "doc"])
def test_references_in_what_airflow_renders_nothing_of(tmp_path: Path, key: str) -> None:
    body = f'{{type: bash, command: x, {key}: "a ${{run.id}} b"}}'
    assert marked(compiled(tmp_path, f"tasks: {{a: {body}}}"), tmp_path) == [("DF215", "${run.id}")]


def test_defaults_of_jobs_are_rendered_when_a_job_starts(tmp_path: Path) -> None:
    text = 'defaults: {image: "x:${params.tag}"}\ntasks: {a: {type: empty}}'
    assert marked(compiled(tmp_path, text), tmp_path) == [("DF205", "${params.tag}")]
    params = "params: {tag: {type: string, default: x}}\n"
    assert compiled(tmp_path, params + text).diagnostics == []


@pytest.mark.parametrize(
    "text", ["{{ ds", "{{ ds }", "{% if x %}", "{{ }}", "a $${#b} c", "{{ a b }}"]
)
def test_templates_that_airflow_could_not_render(tmp_path: Path, text: str) -> None:
    made = compiled(tmp_path, f"tasks: {{a: {{type: bash, command: '{text}'}}}}")
    assert [each.code for each in made.diagnostics] == ["DF216"]


@pytest.mark.parametrize(
    "text",
    ["{{ ds }} {", "{%- set x = 1 %}{{ x }}", "{% do a.b(1) %}", "} }}", "{{ '{{' }}", "${x}"],
)
def test_templates_that_it_can(text: str) -> None:
    assert template_problem(text) is None


def test_nothing_is_read_as_a_template_where_none_is(tmp_path: Path) -> None:
    text = "tasks: {a: {type: bash, command: x, doc: 'write {{ like this'}}"
    assert compiled(tmp_path, text).diagnostics == []


def test_a_patch_that_deletes_a_task_is_seen_only_there(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("""pipeline: p
tasks:
  a: {type: bash, command: x}
  b: {type: bash, command: "${tasks.a.result}"}
environments:
  dev: {tasks: {a: null}}
  prod: {tasks: {a: null, b: {type: empty, command: null}}}
""")
    assert [each.code for each in compile_spec(path, "dev").diagnostics] == ["DF202"]
    made = compile_spec(path, "prod")
    assert made.plan, made.diagnostics
    assert list(made.plan.tasks) == ["b"]


def test_a_task_is_not_on_one_side_and_its_group_on_the_other(tmp_path: Path) -> None:
    text = (
        'tasks:\n  gate: {type: gate, metrics: "gs://bucket/m", when: a > 1, then: [g], else: [b]}\n'
        "  g: {type: group, tasks: {b: {type: empty}, c: {type: empty}}}"
    )
    assert marked(compiled(tmp_path, text), tmp_path) == [("DF210", "b")]


@pytest.mark.parametrize("patch", ["5", "[a]", "text"])
def test_the_patch_of_an_environment_is_a_mapping(tmp_path: Path, patch: str) -> None:
    text = f"environments: {{prod: {patch}}}\ntasks: {{a: {{type: empty}}}}"
    made = compiled(tmp_path, text)
    assert [each.code for each in made.diagnostics] == ["DF122"]
    assert [each.code for each in compile_spec(tmp_path / "p.yaml", "prod").diagnostics] == [
        "DF122"
    ]
