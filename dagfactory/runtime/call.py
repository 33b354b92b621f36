"""Call a Python function of the workers or of the bundle, imported when the task runs, not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException

from .native import NativeOperator
from .own_code import put_on_path


class CallOperator(NativeOperator):
    """Call `function` (a dotted path) with keyword arguments and return its result.

    `code` names the folder beside the runtime that holds its package; without it, it is installed.
    An argument that is one template and nothing else keeps the type of its value. A path that cannot be
    imported fails the task without retries.
    """

    template_fields: Sequence[str] = ("arguments",)

    def __init__(
        self,
        *,
        function: str,
        arguments: dict[str, Any] | None = None,
        code: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function = function
        self.code = code
        self.arguments = arguments or {}

    def execute(self, context: Any) -> Any:
        """Import the function and call it."""
        del context
        return imported(self.function, self.code)(**self.arguments)


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
