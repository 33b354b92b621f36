"""Arguments of operators that the language has no type for, checked against the class itself.

It is read where Airflow and the provider are installed beside the compiler, and not imported. Another
version may run on Composer, so these are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean

if TYPE_CHECKING:
    from dagfactory.catalogue.operator_signature import Signature
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.tasks.operator import AnyOperator

_NOTE = ("checked against the class that is installed here",)


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find arguments that an operator does not have, and those that it cannot do without."""
    for item in plan.tasks.values():
        if item.task.type == "operator":
            yield from _operator(item)


def _operator(item: PlannedTask) -> Iterator[Diagnostic]:
    from dagfactory.catalogue.operator_signature import signature
    from dagfactory.tasks.operator import AnyOperator

    found = signature(item.task.operator) if isinstance(item.task, AnyOperator) else None
    if found and isinstance(item.task, AnyOperator):
        yield from _arguments(item, item.task, found)


def _arguments(item: PlannedTask, task: AnyOperator, found: Signature) -> Iterator[Diagnostic]:
    from dagfactory.tasks.operator import RESERVED

    name = task.operator.rpartition(".")[2]
    offered = sorted(found.names - RESERVED.keys())
    unknown = [each for each in task.args if each not in found.names] if found.complete else []
    for each in unknown:
        help_ = did_you_mean(each, [other for other in offered if other not in task.args])
        message, path = f"`{name}` has no argument `{each}`", (*item.path, "args", each)
        yield _warning(message, path, help_)
    missing = sorted(found.required - task.args.keys() - RESERVED.keys())
    if missing and not unknown:  # a misspelt one is missing as well
        message = f"`{name}` needs the argument `{missing[0]}`"
        path = (*item.path, "args") if task.args else (*item.path, "operator")
        yield _warning(message, path, f"add `{missing[0]}: ...` to `args`")


def _warning(message: str, path: tuple[str | int, ...], help_: str | None) -> Diagnostic:
    return Diagnostic(
        "DF330", message, Pointer(path, key=True), help=help_, notes=_NOTE, severity="warning"
    )
