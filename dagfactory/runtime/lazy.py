"""Any Airflow operator by its dotted path, imported when the task runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, ClassVar, Self

from airflow.providers.common.compat.sdk import BaseOperator

from . import links
from .call import imported


class LazyOperator(BaseOperator):
    """Run ``operator`` (a dotted path) built with ``arguments``, which are templated.

    Execution, resumption after deferral and on_kill are delegated to the real operator; its own
    ``template_fields`` are not rendered a second time. Airflow shows the task under the name of the
    real operator.
    """

    template_fields: Sequence[str] = ("arguments",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"arguments": "json"}
    operator_extra_links = links.offered(links.ON_GOOGLE_CLOUD)

    def __new__(cls, *_: Any, operator: str = "", **__: Any) -> Self:
        """Make an instance of a class of the real operator's name."""
        # Airflow names a task after its class, a mapped one before there is an instance. A copy is made
        # without arguments, of a class that has the name.
        made: Self = super().__new__(_named(cls, operator) if operator else cls)
        return made

    @classmethod
    def partial(cls, *, operator: str, **arguments: Any) -> Any:
        """Return what is mapped, under the name of the real operator."""
        return super(LazyOperator, _named(cls, operator)).partial(operator=operator, **arguments)

    def __init__(self, *, operator: str, arguments: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operator = operator
        self.arguments = arguments
        self._real: Any = None

    def execute(self, context: Any) -> Any:
        """Build the real operator and run it."""
        real = self._build()
        # Airflow wraps execute to warn of operators that are called by another one; here that is meant.
        run = getattr(type(real).execute, "__wrapped__", type(real).execute)
        with self._shown(context):
            return run(real, self._with_real(context))

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any
    ) -> Any:
        """Resume the real operator where it deferred."""
        real = self._build()
        with self._shown(context):
            return real.resume_execution(next_method, next_kwargs, self._with_real(context))

    def on_kill(self) -> None:
        """Let the real operator cancel what it started."""
        if self._real is not None:  # Airflow 2 also calls this on a task that has executed nothing
            self._real.on_kill()

    def _build(self) -> Any:
        """Make the real operator, with this task's DAG and time limit."""
        self._real = imported(self.operator)(task_id=self.task_id, **self.arguments)
        # Deferrable operators read it when they hand over to their trigger.
        self._real.execution_timeout = self.execution_timeout
        # BigQuery names its jobs after the DAG, `adhoc_airflow` without one. A plain assignment would
        # add the operator to the DAG, where this task has its id already.
        object.__setattr__(self._real, "_dag", self.get_dag())
        return self._real

    @contextlib.contextmanager
    def _shown(self, context: Any) -> Iterator[None]:
        """Link to what the real operator did, also where it defers or fails."""
        try:
            yield
        finally:
            links.push_from(self._real, self, context["ti"])

    def _with_real(self, context: Any) -> Any:
        context["task"] = self._real  # operators and their links look there for themselves
        return context


@cache
def _named(cls: type, operator: str) -> Any:
    """Return a subclass with the name of the operator at a dotted path."""
    name = operator.rpartition(".")[2]
    return cls if cls.__name__ == name else type(cls)(name, (cls,), {"__module__": cls.__module__})
