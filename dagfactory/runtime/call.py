"""Call a Python function of the workers or of the bundle, imported when the task runs, not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from .native import NativeOperator
from .own_code import put_on_path


class CallOperator(NativeOperator):
    """Call `function` (a dotted path) with keyword arguments and return its result.

    `code` names the folder beside the runtime that holds its package; without it, it is installed.
    An argument that is one template and nothing else keeps the type of its value. A path that cannot be
    imported fails the task without retries. Only ``with_context`` is the function given what Airflow
    knows of the run, by the names of its parameters, as a PythonOperator would.
    """

    template_fields: Sequence[str] = ("arguments",)

    def __init__(
        self,
        *,
        function: str,
        arguments: dict[str, Any] | None = None,
        code: str = "",
        with_context: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function = function
        self.with_context = with_context
        self.code = code
        self.arguments = arguments or {}

    def execute(self, context: Any) -> Any:
        """Import the function and call it."""
        function = imported(self.function, self.code)
        known = wanted(function, context) if self.with_context else {}
        return function(**{**known, **self.arguments})


def wanted(function: Callable[..., Any], context: Any) -> dict[str, Any]:
    """Return the part of the context that a function has parameters for."""
    parameters = signature(function).parameters.values()
    everything = any(each.kind is Parameter.VAR_KEYWORD for each in parameters)
    by_name = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    names = {each.name for each in parameters if each.kind in by_name}
    # one by one: Airflow 2 warns of old names when they are looked at
    return {name: context[name] for name in context if everything or name in names}


def imported(path: str, code: str = "") -> Callable[..., Any]:
    """Return the function at a dotted path; raises AirflowFailException where it cannot be imported."""
    if code:
        put_on_path(code)
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise AirflowFailException(f"cannot import {path}: {error}") from error
    return found
