"""Every hole of every template is sound: what is printed there can only become a whole token."""

import ast

import pytest
from jinja2 import nodes

from dagfactory.dagfile.jinja import FILTERS, arrow, environment
from dagfactory.dagfile.model import Call, DagFile, Group, Header, Indices, Operator, Symbol
from dagfactory.dagfile.quote import Code
from dagfactory.dagfile.render import context

TEMPLATES = environment().list_templates()
ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Getattr,
    nodes.For,
    nodes.If,
    nodes.Macro,
    nodes.Call,
    nodes.Const,
    nodes.FromImport,
    nodes.Filter,
    nodes.Test,
    nodes.Not,
    nodes.Add,
    nodes.Tuple,
)
SDK = "airflow.providers.common.compat.sdk"


def module() -> DagFile:
    """A module that uses every part of the templates."""
    inner = Operator(
        "trial", "trial", Symbol("a.b", "Trial"), {"task_id": "trial"}, {"n": Indices(3)}
    )
    best = Operator(
        "best", "best", Symbol("a.b", "Best"), {"task_id": "best", "x": [1, {"a": None}]}
    )
    group = Group("search", "search", (inner, best), (("trial", "best"),), "tip")
    plain = Operator("first", "first", Symbol("a.c", "First"), {"task_id": "first"})
    return DagFile(
        header=Header("dagfactory 1", "specs/x.yaml", "sha256:0", "airflow3", "prod"),
        dag=Symbol(SDK, "DAG"),
        group=Symbol(SDK, "TaskGroup"),
        arguments={"dag_id": "x", "start": Call(Symbol("pendulum", "datetime"), {}, (2026, 1, 5))},
        members=(plain, group),
        edges=(("first", "search"),),
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_use_nothing_but_loops_blocks_and_our_filters(name: str) -> None:
    source = environment().loader.get_source(environment(), name)[0]
    tree = environment().parse(source)
    for node in tree.find_all(nodes.Node):
        assert isinstance(node, ALLOWED), f"{name}:{node.lineno}: {type(node).__name__}"
    for found in tree.find_all(nodes.Filter):
        assert found.name in FILTERS
    assert "safe" not in FILTERS
    assert '"{{' not in source
    assert "'{{" not in source


def test_every_printed_value_is_a_token_of_the_syntax_tree() -> None:
    made = environment().overlay()
    marks: list[str] = []

    def mark(value: object) -> Code:
        assert value is not None
        marks.append(f"hole_{len(marks)}_")
        return Code(marks[-1])

    made.finalize = lambda value: value if hasattr(value, "__html__") else mark(value)
    made.filters = {
        **FILTERS,
        "identifier": mark,
        "arrow": lambda edge, indent: arrow((mark(edge[0]), mark(edge[1])), indent),
        "argument": lambda item, _indent: Code(f"{mark(item[0])}={mark(item[1])}"),
    }
    text = made.get_template("dag.py.j2").render(context(module()))
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.keyword)}
    assert len(marks) >= 19
    assert set(marks) <= names


def test_the_oracle_finds_an_unsound_template() -> None:
    made = environment().overlay()
    for source in ('x = "{{ value }}"', "# {{ value }}\nx = 1", "x_{{ value }} = 1"):
        text = made.from_string(source).render(value=Code("hole_0_"))
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert "hole_0_" not in names
