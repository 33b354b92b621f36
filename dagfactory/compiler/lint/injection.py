"""Values that only a run knows, put into a shell's command or into SQL as they are.

Whoever starts the run, or makes what a task returns, then writes the command: a shell runs `$(…)` in a name,
a quote ends a text of SQL. Numbers, dates and the values of an `enum` or a `pattern` cannot do that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagfactory.compiler.lint._code import language
from dagfactory.compiler.lint._texts import Text, rendered
from dagfactory.compiler.plan.texts import references
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import shorten
from dagfactory.language.each import reference

if TYPE_CHECKING:
    from dagfactory.compiler.lint._template import Use
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.document.reference import Ref

_ANYTHING = ("string", "array", "object", "any")
"""Types of parameters whose values may hold any text."""

_RESULTS = ("result", "objects", "max_value")
"""Outputs that hold whatever a task returned, or what names are found; the others have a fixed form."""


_WORD = re.compile(r"\W", re.ASCII)
"""What cannot stand in the name of a variable."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A value in a text: where, how it would be written elsewhere, and what may be called so."""

    place: Pointer
    written: str
    name: str


_TAKEN = re.compile(
    r"(?:AIP_|CLOUD_ML_|DAGFACTORY_|AIRFLOW_|GOOGLE_|LD_|LC_|\d)\w*|"
    r"PATH|HOME|USER|SHELL|PWD|OLDPWD|LANG|IFS|ENV|UID|TMPDIR|PYTHON\w*|BASH\w*|HOSTNAME|TERM|OPT(?:IND|ARG)|PS[1-4]",
    re.ASCII,
)
"""Variables that mean something to a shell, to Python or to Google's programs."""


def variable(name: str) -> str:
    """Return the variable that takes the value of a param, a task or a key."""
    upper = _WORD.sub("_", name).upper()
    return f"VALUE_{upper}" if _TAKEN.fullmatch(upper) else upper


def may_be_anything(kind: str, schema: Collection[str]) -> bool:
    """Return whether a param can hold any text; `schema` are the keys that are set."""
    return kind in _ANYTHING and not {"enum", "pattern"} & set(schema)


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find values that would be read as code."""
    for text in rendered(plan):
        code = language(text)
        if code:
            for value in _values(text, plan):
                yield _shell(value) if code == "shell" else _sql(text, value)


def _values(text: Text, plan: Plan) -> Iterator[_Value]:
    for ref in references(text.text):
        name = _of_reference(text, ref, plan)
        if name:
            yield _Value(Pointer(text.path, start=ref.start, end=ref.end), str(ref), name)
    for use in text.template.printed:
        name = _of_template(text, use, plan)
        if name:
            place = text.expression(use.start)
            yield _Value(place, f"{{{{ {text.text[place.start : place.end]} }}}}", name)


def _of_reference(text: Text, ref: Ref, plan: Plan) -> str:
    """Return a name for the value of a reference that can hold anything, else nothing."""
    if ref.root == "params":
        return ref.path[0] if _may_be_anything(ref.path[0], plan) else ""
    if ref.root == "tasks":
        return ref.path[0] if ref.path[1] in _RESULTS else ""
    return "item" if ref.root == "each" and _late_items(text) else ""


def _of_template(text: Text, use: Use, plan: Plan) -> str:
    """Return a name for the value of a variable that can hold anything, else nothing."""
    match use.path:
        case "params", "for_each", *_:
            return "item" if _late_items(text) else ""
        case "params", name, *_:
            return name if _may_be_anything(name, plan) else ""
        case "dag_run", "conf", *more:
            return more[0] if more else "conf"
        case (("ti" | "task_instance"), "xcom_pull", *_):
            return "value"
    return ""


def _may_be_anything(name: str, plan: Plan) -> bool:
    param = plan.pipeline.params.get(name)
    if param is None:
        return False
    given = {key for key in ("enum", "pattern") if getattr(param, key) is not None}
    return may_be_anything(param.type, given)


def _late_items(text: Text) -> bool:
    """Whether a task's items are known to nobody before a run."""
    return bool(text.item and reference(text.item.task.for_each))


def _shell(value: _Value) -> Diagnostic:
    name = variable(value.name)
    moved = f"`env: {{{name}: {_quoted(value.written)}}}`"
    message = f"a shell would run what `{shorten(value.written)}` holds"
    help_ = f'write `"${name}"` in the command, and {moved} beside it'
    return Diagnostic("DF355", message, value.place, help=help_, severity="warning")


def _sql(text: Text, value: _Value) -> Diagnostic:
    message = f"what `{shorten(value.written)}` holds would be read as SQL"
    name = _WORD.sub("_", value.name)
    moved = f"`parameters: {{{name}: {_quoted(value.written)}}}`"
    help_ = (
        f"write `@{name}` in the query, and {moved} beside it"
        if text.type == "bigquery"
        else "give the parameter an `enum` or a `pattern`, or check the value where it is made"
    )
    return Diagnostic("DF356", message, value.place, help=help_, severity="warning")


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'
