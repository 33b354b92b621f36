"""The seat belt: code that got past broken quoting is stopped before it is written."""

import pytest
from paths import CORPORA

from dagfactory.dagfile.checks import RenderedCodeError, check
from dagfactory.dagfile.checks.shape import check as shape

GOOD = """# header
from airflow.sdk import DAG, TaskGroup
from a.b import Op

with DAG(
    dag_id="x",
    default_args={"retries": 3, "x": [-1, None, ("a",)]},
) as dag:
    with TaskGroup(
        group_id="g",
    ) as g:
        one = Op.partial(
            task_id="one",
        ).expand(trial=list(range(3)))

        other = Op.partial(
            task_id="other",
        ).expand(params=one.output)

    two = Op(
        task_id="two",
    )

    one >> two

    two.as_teardown(setups=[one], on_failure_fail_dagrun=True)
"""
BAD = [
    "import os\n" + GOOD,
    GOOD + "\nprint(1)\n",
    GOOD.replace('"two"', '"two", x=__import__("os").system("id")'),
    GOOD.replace('"two"', 'f"{1}"'),
    GOOD.replace('"two"', "[x for x in ()]"),
    GOOD.replace("one >> two", "one >> two.x"),
    GOOD.replace("one >> two", "exec('1')"),
    GOOD.replace("one >> two", "two = eval"),
    GOOD.replace("two = Op(", "two = Other("),
    GOOD.replace("Op.partial", "Op.__init__"),
    GOOD.replace("range(3)", "range(Op())"),
    GOOD.replace("one.output", "one.operator_class"),
    GOOD.replace("one.output", "Op().output"),
    GOOD.replace("as_teardown(", "set_downstream("),
    GOOD.replace("two.as_teardown(", "two.dag.as_teardown("),
    GOOD.replace("setups=[one]", "setups=[one.x]"),
    GOOD.replace("setups=[one]", "setups=one"),
    GOOD.replace("fail_dagrun=True", "fail_dagrun=two"),
    GOOD.replace("fail_dagrun=True", "fail_dagrun=True, **{}"),
    GOOD.replace("as dag", "as dag.x"),
    GOOD.replace("from a.b import Op", "from . import Op"),
    GOOD.replace('dag_id="x"', '**{"dag_id": "x"}'),
    GOOD.replace('dag_id="x"', 'dag_id="x" "y'),
    "x = 1\n",
    "",
]


def test_a_rendered_file_passes() -> None:
    assert shape(GOOD) is None


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_stopped(text: str) -> None:
    assert shape(text) is not None


def test_hidden_characters_are_stopped() -> None:
    with pytest.raises(RenderedCodeError, match="characters"):
        check("x.py", GOOD.replace('"two"', '"t\u202ewo"'))


def test_payloads_through_broken_quoting_are_stopped_or_stay_data() -> None:
    """Paste each payload between quotes as naive generators do: code must never come out."""
    import ast
    import json

    path = CORPORA / "dagfactory-own/python_injection.jsonl"
    if not path.is_file():
        pytest.skip(f"no corpora at {path}: injection payloads are not tested here")
    own = sum(isinstance(node, ast.Call) for node in ast.walk(ast.parse(GOOD)))
    stopped = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        payload = json.loads(line)["payload"]
        text = GOOD.replace('"two"', f'"{payload}"')
        if shape(text) is None:
            calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
            assert len(calls) == own, payload
        else:
            stopped += 1
    assert stopped > 10
