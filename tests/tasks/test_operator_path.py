"""`operator` names a class of an operator; nothing that would run while a DAG file is parsed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dagfactory.tasks.operator import AnyOperator


@pytest.mark.parametrize("path", ["os.system", "subprocess.Popen", "builtins.exec", "a.b.function"])
def test_what_is_no_operator_class_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match=r"library|not the name of a class"):
        AnyOperator.model_validate({"type": "operator", "operator": path})


def test_a_class_is_accepted() -> None:
    path = "airflow.providers.http.operators.http.HttpOperator"
    assert AnyOperator.model_validate({"type": "operator", "operator": path}).operator == path
