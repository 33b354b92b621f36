"""What a function is given of the context: the same as by Airflow's own PythonOperator, the judge."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

pytest.importorskip("airflow")
from airflow.providers.standard.operators.python import PythonOperator

from dagfactory.runtime.call import CallOperator

CONTEXT = {"ds": "2026-01-01", "params": {"a": 1}, "ti": "the task instance", "run_id": "r"}


def nothing():
    return "called"


def one(ds):
    return ds


def several(x, ti=None, *, params, other=5):
    return x, ti, params, other


def everything(x=0, **context):
    return x, sorted(context)


def named_like_the_context(ds, run_id="default"):
    return ds, run_id


CASES = [
    (nothing, {}),
    (one, {}),
    (several, {"x": 1}),
    (everything, {}),
    (everything, {"x": 3}),
    (everything, {"own": 4}),
    (named_like_the_context, {"run_id": "mine"}),
    (named_like_the_context, {"ds": "given"}),
]


@pytest.mark.parametrize(
    ("function", "given"), CASES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_function_is_called_as_by_a_python_operator(function, given, monkeypatch):
    module = ModuleType("functions_of_a_test")
    setattr(module, function.__name__, function)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    ours = CallOperator(
        task_id="ours",
        function=f"{module.__name__}.{function.__name__}",
        arguments=given,
        with_context=True,
    )
    theirs = PythonOperator(task_id="theirs", python_callable=function, op_kwargs=given)
    expected = theirs.python_callable(
        **{
            key: value
            for key, value in theirs.determine_kwargs({**CONTEXT, **given}).items()
            if key != "templates_dict"
        }
    )
    assert ours.execute(dict(CONTEXT)) == expected


def test_without_asking_it_gets_its_arguments_alone(monkeypatch):
    module = ModuleType("functions_of_a_test")
    module.everything = everything
    monkeypatch.setitem(sys.modules, module.__name__, module)
    task = CallOperator(
        task_id="task", function="functions_of_a_test.everything", arguments={"x": 1}
    )
    assert task.execute(dict(CONTEXT)) == (1, [])
