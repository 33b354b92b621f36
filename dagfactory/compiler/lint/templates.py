"""Names in Airflow's templates that Airflow does not know: its templates fail at what is not defined.

Only what is certain is an error. An alert whose text fails is sent with the default one, an argument of any
operator may not be a template at all, and a run that is started with a value brings its parameter along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from dagfactory.catalogue.template_names import LINES, VARIABLES, Known, names_of, template_names
from dagfactory.compiler.lint._texts import Text, rendered
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.limits import FINDINGS
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import closest, did_you_mean

if TYPE_CHECKING:
    from dagfactory.compiler.lint._template import Called, Use
    from dagfactory.compiler.plan.model import Plan

FILTERS = {"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"}
"""What Airflow adds to Jinja's own."""

ALERT = {
    *("title", "event", "dag", "task", "run", "try", "tries"),
    *("date", "owner", "error", "log", "deadline"),
}
"""The fields of an alert, `alert.NAME`."""

_OF_ALERTS = {"alert", "exception", "reason"}
_OBJECTS = {"task_instance": "ti"} | {name: name for name in ("ti", "dag_run", "dag", "var")}


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find names that lead nowhere."""
    # each is compared with all names, and nobody reads more before repairing these
    yield from islice(_found(plan), FINDINGS.most)


def _found(plan: Plan) -> Iterator[Diagnostic]:
    for text in rendered(plan) if plan.target in LINES else ():
        found = text.template
        for use in found.uses:
            yield from _variable(text, use, plan)
        for called in found.called:
            yield from _called(text, called)


def _called(text: Text, called: Called) -> Iterator[Diagnostic]:
    """Find a filter or a test that Jinja does not have."""
    from jinja2.filters import FILTERS as JINJAS
    from jinja2.tests import TESTS

    known = {*JINJAS, *FILTERS} if called.kind == "filter" else set(TESTS)
    if called.name not in known:
        message = f"Jinja has no {called.kind} `{called.name}`"
        yield _problem(text, called.name, called.start, message, _near(called.name, known))


def _variable(text: Text, use: Use, plan: Plan) -> Iterator[Diagnostic]:
    """Find a variable, or an attribute of one, that is not there."""
    known = template_names()[VARIABLES].get(use.name)
    if known:
        yield from _of_line(text, known, (use.name, use.start), use, plan)
        yield from _attribute(text, use, plan) if use.keys else ()
    elif use.name == "alert" and text.in_alert:
        yield from _unknown_key(text, use, ALERT)
    elif not (text.in_alert and use.name in _OF_ALERTS):
        help_ = _meant(use.name, plan)
        if help_ or text.type != "operator":
            message = f"Airflow's templates have no `{use.name}`"
            help_ = help_ or "a parameter of the run is written `params.NAME`"
            yield _problem(text, use.name, use.start, message, help_)


def _meant(name: str, plan: Plan) -> str | None:
    """Say what an unknown variable may stand for."""
    if name in plan.pipeline.params:
        return f"write `params.{name}`"
    return _near(name, names_of(VARIABLES, plan.target))


def _attribute(text: Text, use: Use, plan: Plan) -> Iterator[Diagnostic]:
    key, start = use.keys[0]
    if use.name == "params":
        yield from _parameter(text, key, start, plan)
    elif use.name == "macros":
        # a plugin adds `macros.PLUGIN.NAME`, and Composer has plugins that nobody here knows
        names = names_of("macros", plan.target)
        if key not in names and (len(use.keys) == 1 or closest(key, names, 1)):
            message = f"Airflow has no macro `{key}`"
            yield _problem(text, key, start, message, did_you_mean(key, names))
    elif use.name in _OBJECTS and not (use.name == "var" and hasattr(dict, key)):
        owner = _OBJECTS[use.name]
        known = template_names()[owner].get(key)
        if known:
            yield from _of_line(text, known, (f"{use.name}.{key}", use.start), use, plan)
        else:
            yield from _unknown_key(text, use, names_of(owner, plan.target))


def _unknown_key(text: Text, use: Use, names: Iterable[str]) -> Iterator[Diagnostic]:
    """Find a misspelt attribute; one that resembles nothing may have come with another version."""
    for key, start in use.keys[:1]:
        help_ = None if key in names else _near(key, names)
        if help_ and use.where != "maybe":
            yield _problem(text, key, start, f"`{use.name}` has no `{key}`", help_)


def _of_line(
    text: Text, known: Known, named: tuple[str, int], use: Use, plan: Plan
) -> Iterator[Diagnostic]:
    """Find a name that this line of Airflow does not have, or that the next one has given up."""
    name, start = named
    absent, older = plan.target not in known.lines, plan.target < max(LINES)
    leaving = older and known.instead and max(LINES) not in known.lines
    if use.where == "maybe" or not (absent or leaving):
        return
    line = plan.target if absent else max(LINES)
    message = f"{line.replace('airflow', 'Airflow ')} has no `{name}`"
    help_ = f"write `{known.instead}`" if known.instead else None
    place = Pointer(text.path, start=start, end=start + len(name))
    severity = text.severity if absent else "warning"
    yield Diagnostic("DF351", message, place, help=help_, severity=severity)


def _parameter(text: Text, name: str, start: int, plan: Plan) -> Iterator[Diagnostic]:
    params = {*plan.pipeline.params, *_own_params(text)}
    if name in params or hasattr(dict, name):
        return
    help_ = _near(name, params) or "declare it under `params:`"
    place = Pointer(text.path, start=start, end=start + len(name))
    message = f"unknown parameter `{name}`"
    # a run that is started with such a value has it
    yield Diagnostic("DF205", message, place, help=help_, severity="warning")


def _own_params(text: Text) -> Iterator[str]:
    """Yield the parameters that a task adds: its item, and those that an operator is given."""
    if text.item is None:
        return
    if text.item.context.mapped:
        yield "for_each"
    arguments = text.item.task.field("args")
    given = arguments.get("params") if isinstance(arguments, dict) else None
    yield from given if isinstance(given, dict) else ()


def _near(name: str, names: Iterable[str]) -> str | None:
    """Return a suggestion, or nothing where no name is near."""
    names = sorted(names)
    return did_you_mean(name, names) if closest(name, names, 1) else None


def _problem(text: Text, name: str, start: int, message: str, help_: str | None) -> Diagnostic:
    place = Pointer(text.path, start=start, end=start + len(name))
    return Diagnostic("DF350", message, place, help=help_, severity=text.severity)
