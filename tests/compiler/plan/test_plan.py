"""Planning: names become edges, and every name that leads nowhere is found where it stands."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dagfactory.compiler.compile import Compiled, compile_spec

ENVIRONMENT = (
    "environment: test\nproject: demo-project\nregion: us-central1\nbucket: gs://demo-bucket\n"
)
HEAD = "pipeline: demo\nparams: {limit: {type: number, default: 1}}\ntasks:\n"
JOB = "machine: {type: n1-standard-4}, image: x:1"


def planned(folder: Path, tasks: str, environment: str | None = "test") -> Compiled:
    (folder / "specs/environments").mkdir(parents=True, exist_ok=True)
    (folder / "specs/environments/test.yaml").write_text(ENVIRONMENT)
    spec = folder / "specs/demo.yaml"
    body = "\n".join("  " + line for line in dedent(tasks).strip().splitlines())
    spec.write_text(HEAD + body + "\n")
    return compile_spec(spec, environment)


def edges(made: Compiled) -> set[tuple[str, str, str]]:
    assert made.plan, made.diagnostics
    return {(edge.upstream, edge.downstream, edge.why) for edge in made.plan.edges}


def test_edges_come_from_after_references_and_branches(tmp_path: Path) -> None:
    made = planned(
        tmp_path,
        """
        data: {type: bash, command: echo 1}
        train: {type: train, MACHINE, args: {x: "${tasks.data.result}"}}
        gate: {type: gate, metrics: "${tasks.train.metrics}", when: a > 1, then: yes_, else: no_}
        yes_: {type: empty}
        no_: {type: empty}
        last: {type: empty, after: [yes_, no_], trigger_rule: none_failed_min_one_success}
        """.replace("MACHINE", JOB),
    )
    assert edges(made) == {
        ("data", "train", "reference"),
        ("train", "gate", "reference"),
        ("gate", "yes_", "branch"),
        ("gate", "no_", "branch"),
        ("yes_", "last", "after"),
        ("no_", "last", "after"),
    }


def test_an_edge_named_twice_is_one_edge(tmp_path: Path) -> None:
    made = planned(
        tmp_path,
        """
        a: {type: bash, command: echo 1}
        b: {type: bash, command: "echo ${tasks.a.result} ${tasks.a.result}", after: [a]}
        """,
    )
    assert edges(made) == {("a", "b", "after")}


FAULTS = {
    "unknown task in after": ("b: {type: empty, after: [aa]}", "DF202", "aa"),
    "unknown task in a reference": (
        'b: {type: bash, command: "x ${tasks.aa.result}"}',
        "DF202",
        "${tasks.aa.result}",
    ),
    "unknown output": (
        'b: {type: bash, command: "x ${tasks.a.reslt}"}',
        "DF204",
        "${tasks.a.reslt}",
    ),
    "own output": ('b: {type: bash, command: "${tasks.b.result}"}', "DF203", "${tasks.b.result}"),
    "itself": ("b: {type: empty, after: [b]}", "DF203", "b"),
    "unknown parameter": ('b: {type: bash, command: "${params.limt}"}', "DF205", "${params.limt}"),
    "unknown branch": ("b: {type: gate, metrics: m, when: x > 1, then: [aaa]}", "DF202", "aaa"),
    "gate: unknown parameter": (
        "b: {type: gate, metrics: m, when: x > params.lmit, then: [a]}",
        "DF205",
        "params.lmit",
    ),
    "gate: not an expression": (
        "b: {type: gate, metrics: m, when: x > , then: [a]}",
        "DF211",
        None,
    ),
    "gate: both sides": (
        "b: {type: gate, metrics: m, when: x > 1, then: [a], else: [a]}",
        "DF210",
        "a",
    ),
    "bad argument name": ('b: {type: operator, operator: a.B, args: {"x y": 1}}', "DF212", '"x y"'),
    "argument with its own key": (
        "b: {type: operator, operator: a.B, args: {pool: x}}",
        "DF212",
        "pool",
    ),
    "unknown hyperparameter": (
        (
            "b: {type: sweep, metric: {name: m, goal: maximize}, parameters: {lr: {values: [1]}},"
            f" exclude: [{{lrr: 1}}], {JOB}}}"
        ),
        "DF209",
        "lrr",
    ),
    "hyperparameter in args": (
        (
            "b: {type: sweep, metric: {name: m, goal: maximize}, parameters: {lr: {values: [1]}},"
            f" args: {{lr: 1}}, {JOB}}}"
        ),
        "DF207",
        "lr",
    ),
    "nothing left": (
        (
            "b: {type: sweep, metric: {name: m, goal: maximize}, parameters: {lr: {values: [1]}},"
            f" exclude: [{{lr: 1}}], {JOB}}}"
        ),
        "DF208",
        "[{lr: 1}]",
    ),
    "no machine": ('b: {type: train, image: "x:1"}', "DF121", "b"),
    "no image": ("b: {type: train, machine: {type: n1-standard-4}}", "DF121", "b"),
}


@pytest.mark.parametrize(("task", "code", "marked"), FAULTS.values(), ids=FAULTS)
def test_faults_are_found_at_their_place(
    tmp_path: Path, task: str, code: str, marked: str | None
) -> None:
    made = planned(tmp_path, "a: {type: bash, command: echo 1}\n" + task)
    assert [each.code for each in made.diagnostics] == [code]
    span = made.diagnostics[0].span
    line = (tmp_path / "specs/demo.yaml").read_text().splitlines()[span.line - 1]
    if marked:
        assert line[span.column - 1 : span.end_column - 1] == marked


def test_a_circle_is_shown_whole(tmp_path: Path) -> None:
    made = planned(
        tmp_path,
        """
        a: {type: empty, after: [c]}
        b: {type: empty, after: [a]}
        c: {type: empty, after: [b]}
        """,
    )
    (found,) = made.diagnostics
    assert found.code == "DF206"
    assert sorted(found.message.rpartition(": ")[2].split(" → ")[:-1]) == ["a", "b", "c"]
    assert len(found.labels) == 2


def test_ids_are_unique_across_groups(tmp_path: Path) -> None:
    made = planned(
        tmp_path,
        """
        a: {type: empty}
        g: {type: group, tasks: {a: {type: empty}}}
        """,
    )
    (found,) = made.diagnostics
    assert (found.code, found.labels[0].text) == ("DF201", "first used here")


def test_groups_nest_and_edges_stay_where_both_ends_are(tmp_path: Path) -> None:
    from dagfactory.compiler.lower.dag import lower

    made = planned(
        tmp_path,
        """
        a: {type: empty}
        g:
          type: group
          after: [a]
          tasks:
            x: {type: empty}
            inner: {type: group, after: [x], tasks: {y: {type: empty}, z: {type: empty, after: [y]}}}
        last: {type: empty, after: [z]}
        """,
    )
    assert made.plan, made.diagnostics
    module = lower(made.plan, source="specs/demo.yaml")
    group = module.members[1]
    assert module.edges == (("a", "g"), ("z", "last"))
    assert group.edges == (("x", "inner"),)
    assert group.members[1].edges == (("y", "z"),)


def test_a_gate_follows_the_first_tasks_of_a_group(tmp_path: Path) -> None:
    from dagfactory.compiler.lower.dag import lower

    made = planned(
        tmp_path,
        """
        gate: {type: gate, metrics: m, when: x > 1, then: [g]}
        g: {type: group, tasks: {y: {type: empty}, z: {type: empty, after: [y]}}}
        """,
    )
    assert made.plan, made.diagnostics
    gate = lower(made.plan, source="specs/demo.yaml").members[0]
    assert gate.arguments["then"] == ["g.y"]


def test_cloud_tasks_need_an_environment(tmp_path: Path) -> None:
    made = planned(tmp_path, f"a: {{type: train, {JOB}}}", environment=None)
    assert [each.code for each in made.diagnostics] == ["DF113"]


def test_plain_tasks_need_none(tmp_path: Path) -> None:
    assert planned(tmp_path, "a: {type: bash, command: echo}", environment=None).plan
