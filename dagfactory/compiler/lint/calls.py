"""Calls of the project's own functions: whether they exist and take what they get. Nothing is imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.catalogue.function_signature import Parameters, find_function
from dagfactory.compiler.plan.calls import PlannedCall, calls
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.task_api.own_code import own_code

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find functions that the environment's code lacks, and arguments that they do not take."""
    code = own_code(plan.environment, plan.pipeline.project)
    # of code with mistakes, which are said already, not all can be read
    known = () if code.problems else calls(plan)
    for call in known:
        if not code.holds(call.function):
            continue
        found = find_function(call.function, code.files)
        if not found.exists:
            message = f"`{call.function}` is not a function of the project's code"
            help_ = did_you_mean(call.function, found.names) or "name a function of a module"
            yield Diagnostic("DF235", message, Pointer((*call.path, "callable")), help_)
        elif found.parameters:
            yield from _arguments(call, found.parameters)


def _arguments(call: PlannedCall, parameters: Parameters) -> Iterator[Diagnostic]:
    """Find what the function would refuse to be called with."""
    name = call.function.rpartition(".")[2]
    if call.positional > len(parameters.positional) and not parameters.any_position:
        message = (
            f"`{name}` takes no argument by position, and an alert brings Airflow's context so"
        )
        help_ = f"write `def {name}(context, ...)`"
        yield Diagnostic("DF236", message, Pointer((*call.path, "callable")), help_)
        return
    unknown = _unknown(call, parameters)
    for each in unknown:
        near = did_you_mean(
            each, [other for other in _free(call, parameters) if other not in call.arguments]
        )
        message = f"`{name}` takes no argument `{each}`"
        yield Diagnostic("DF236", message, Pointer((*call.path, "args", each), key=True), near)
    missing = _missing(call, parameters)
    if missing and not unknown:  # a misspelt one is missing as well
        message, key = f"`{name}` needs the argument `{missing[0]}`", bool(call.arguments)
        place = Pointer((*call.path, "args" if key else "callable"), key=key)
        yield Diagnostic("DF236", message, place, f"add `{missing[0]}: ...` to `args`")


def _free(call: PlannedCall, parameters: Parameters) -> tuple[str, ...]:
    """Return the parameters that a keyword can fill."""
    first = max(call.positional, parameters.only)
    return *parameters.positional[first:], *parameters.named


def _unknown(call: PlannedCall, parameters: Parameters) -> list[str]:
    """Return the arguments that have no parameter, or one that a position has filled."""
    free = _free(call, parameters)
    filled = parameters.positional[parameters.only : call.positional]
    refused = (each for each in call.arguments if each not in free)
    return [each for each in refused if each in filled or not parameters.open]


def _missing(call: PlannedCall, parameters: Parameters) -> list[str]:
    """Return the parameters that nothing fills, in order."""
    given = set(call.arguments).intersection(_free(call, parameters))
    after = (*parameters.positional[call.positional :], *parameters.named)
    return [each for each in after if each in parameters.required and each not in given]
