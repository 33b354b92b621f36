"""Names in a rendered file: whatever tasks and classes are called, none hides another."""

from __future__ import annotations

import ast
import keyword

from hypothesis import given
from hypothesis import strategies as st

from dagfactory.dagfile.checks.shape import check as shape
from dagfactory.dagfile.identifiers import RESERVED, apart, distinct, variables
from dagfactory.dagfile.model import Call, DagFile, Group, Header, Operator, Symbol
from dagfactory.dagfile.render import render

WORDS = [*keyword.kwlist, *keyword.softkwlist, *RESERVED, "a", "a_", "search", "search__trial"]
IDS = st.sampled_from([word for word in WORDS if word.islower() and word[0] != "_"])


@given(st.lists(st.tuples(IDS, st.sampled_from(["", "_", "__"])).map("".join), unique=True))
def test_every_task_has_a_usable_name_of_its_own(ids: list[str]) -> None:
    made = variables(ids)
    assert set(made) == set(ids)
    assert len(set(made.values())) == len(ids)
    for name, variable in made.items():
        assert variable.isidentifier()
        assert not keyword.iskeyword(variable)
        assert variable not in RESERVED
        assert variable.rstrip("_") == name.rstrip("_")


def test_a_usable_id_is_its_own_name() -> None:
    assert variables(["import", "import_", "b"]) == {
        "import": "import__",
        "import_": "import_",
        "b": "b",
    }


def test_parts_of_a_sweep_give_way_to_tasks() -> None:
    parts = (
        Operator("trial", "s__trial", Symbol("m", "T")),
        Operator("b", "s__b", Symbol("m", "B")),
    )
    made = apart(Group("s", "s", parts, (("s__trial", "s__b"),)), {"s__trial", "s__trial_"})
    assert [each.variable for each in made.members] == ["s__trial__", "s__b"]
    assert made.edges == (("s__trial__", "s__b"),)


def module(*symbols: Symbol) -> DagFile:
    members = tuple(
        Operator(f"t{at}", f"t{at}", symbol, {"task_id": f"t{at}"})
        for at, symbol in enumerate(symbols)
    )
    start = Call(Symbol("pendulum", "datetime"), {}, (2026, 1, 5))
    arguments = {"dag_id": "x", "start_date": start, "params": {"p": Call(Symbol("sdk", "Param"))}}
    inner = Group("g", "thing", members)
    header = Header("dagfactory 1", "x.yaml", "sha256:0", "airflow3", "prod")
    group = Symbol("sdk", "TaskGroup")
    return distinct(DagFile(header, Symbol("sdk", "DAG"), group, arguments, (inner,), ()))


def test_classes_of_one_name_are_told_apart() -> None:
    clashing = [
        Symbol("one", "Op"),
        Symbol("two", "Op"),
        Symbol("two", "Op_2"),
        Symbol("one", "Op"),
    ]
    clashing += [Symbol("own", name) for name in ("DAG", "Param", "TaskGroup", "datetime", "thing")]
    text = render(module(*clashing))
    assert shape(text) is None
    imports: dict[str, str] = {}
    for node in ast.parse(text).body[:-1]:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            local = alias.asname or alias.name
            assert local not in imports
            imports[local] = f"{node.module}.{alias.name}"
    calls = {
        node.targets[0].id: imports[node.value.func.id]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign)
    }
    assert calls == {f"t{at}": f"{each.module}.{each.name}" for at, each in enumerate(clashing)}
    assert (imports["DAG"], imports["Param"]) == ("sdk.DAG", "sdk.Param")
    assert imports["datetime"] == "pendulum.datetime"


def test_names_that_do_not_clash_stay() -> None:
    made = module(Symbol("one", "Op"), Symbol("two", "Other"))
    assert "import Op\n" in render(made)
    assert " as " not in "".join(render(made).partition("with DAG")[:1])
