"""Operators that the language has no type for: whether the class is there, and has the arguments.

It is read where Airflow and the provider are installed beside the compiler, and not imported. Another
version may run on Composer, so these are warnings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean

if TYPE_CHECKING:
    from dagfactory.catalogue.operator_paths import Missing
    from dagfactory.catalogue.operator_signature import Signature
    from dagfactory.compiler.plan.model import Plan, PlannedTask
    from dagfactory.tasks.operator import AnyOperator

_NOTE = ("checked against the class that is installed here",)


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find classes that are not there, arguments that they do not have, and those that they need."""
    for item in plan.tasks.values():
        if item.task.type == "operator":
            yield from _operator(item, plan)


def _operator(item: PlannedTask, plan: Plan) -> Iterator[Diagnostic]:
    from dagfactory.catalogue.operator_signature import signature
    from dagfactory.tasks.operator import AnyOperator

    if isinstance(item.task, AnyOperator):
        plan.pipeline.project.installed(item.task.operator.rpartition(".")[0])
        found = signature(item.task.operator)
        given = plan.pipeline.defaults.arguments
        yield from (
            _arguments(item, item.task, found, given) if found else _class(item, item.task, plan)
        )


def _class(item: PlannedTask, task: AnyOperator, plan: Plan) -> Iterator[Diagnostic]:
    """Find a class that its module does not have, or whose module is no longer there."""
    from dagfactory.catalogue.operator_paths import airflow_line, is_core, missing
    from dagfactory.dagfile.targets import target

    gone = missing(task.operator)
    line = target(plan.environment.target).airflow if plan.environment else ""
    of_other_line = line.partition(".")[0] not in ("", airflow_line())
    if gone is None or (is_core(task.operator) and of_other_line):
        return
    code, what = ("DF361", "module") if gone.is_module else ("DF360", f"class `{gone.name}` in")
    yield Diagnostic(
        code,
        f"there is no {what} `{gone.module}`",
        Pointer((*item.path, "operator")),
        help=f"write `{gone.moved}`" if gone.moved else _nearest(gone),
        notes=("checked against the sources that are installed here",),
        severity="warning",
    )


def _nearest(gone: Missing) -> str:
    help_ = did_you_mean(gone.name, gone.names, "it has")
    return help_ or "the documentation of the provider names its modules and classes"


def _arguments(
    item: PlannedTask, task: AnyOperator, found: Signature, given: Collection[str]
) -> Iterator[Diagnostic]:
    from dagfactory.tasks.operator import RESERVED

    name = task.operator.rpartition(".")[2]
    offered = sorted(found.names - RESERVED.keys())
    unknown = [each for each in task.args if each not in found.names] if found.complete else []
    for each in unknown:
        help_ = did_you_mean(each, [other for other in offered if other not in task.args])
        message, path = f"`{name}` has no argument `{each}`", (*item.path, "args", each)
        yield _warning(message, path, help_)
    missing = sorted(found.required - task.args.keys() - RESERVED.keys() - set(given))
    if missing and not unknown:  # a misspelt one is missing as well
        message = f"`{name}` needs the argument `{missing[0]}`"
        path = (*item.path, "args") if task.args else (*item.path, "operator")
        yield _warning(message, path, f"add `{missing[0]}: ...` to `args`")


def _warning(message: str, path: tuple[str | int, ...], help_: str | None) -> Diagnostic:
    return Diagnostic(
        "DF330", message, Pointer(path, key=True), help=help_, notes=_NOTE, severity="warning"
    )
