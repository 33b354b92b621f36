"""The Jinja environment that DAG files are rendered in.

Autoescape for Python: whatever a template prints that is not `Code` becomes a literal through the
finalize hook, so `{{ x }}` can never be anything but a value. Undefined names are errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dagfactory.dagfile.model import Teardown
from dagfactory.dagfile.quote import WIDTH, Code, fit, identifier, literal
from dagfactory.dagfile.templates import template_folder


def finalize(value: Any) -> Any:
    """Turn every printed value into code: `Code` stays, all else becomes its literal."""
    if isinstance(value, StrictUndefined):
        str(value)  # raises UndefinedError with the name
    return value if hasattr(value, "__html__") else Code(literal(value))


def argument(item: tuple[str, Any], indent: int) -> Code:
    """Write a keyword argument `key=value` on a line indented by `indent`."""
    return Code(_argument(*item, indent))


def arguments(items: Mapping[str, Any], indent: int) -> Code:
    """Write keyword arguments, one a line that is indented by `indent`."""
    start = " " * indent
    return Code("".join(f"{start}{_argument(*item, indent)},\n" for item in items.items()))


def _argument(key: str, value: Any, indent: int) -> str:
    """Return `key=value`, in plain text: Markup looks for what to escape wherever it is added to."""
    prefix = f"{identifier(key)}="
    return prefix + fit(value, indent, prefix)


def call(head: str, values: dict[str, Any], indent: int) -> Code:
    """Write a call that a line begins with: `head(key=value)`, one argument a line if it is too long."""
    pad = " " * indent
    flat = ", ".join(f"{identifier(key)}={literal(value)}" for key, value in values.items())
    if indent + len(f"{head}()") + len(flat) <= WIDTH and flat.isascii():
        return Code(f"{pad}{head}({flat})")
    rows = "".join(f"{pad}    {_argument(*item, indent + 4)},\n" for item in values.items())
    return Code(f"{pad}{head}(\n{rows}{pad})")


def expand(values: dict[str, Any], indent: int) -> Code:
    """Write what follows the arguments of `.partial(`: what the operator is mapped over."""
    return call(").expand", values, indent)


def teardown(value: Teardown, indent: int) -> Code:
    """Write `task.as_teardown(setups=[…])`."""
    fails = {"on_failure_fail_dagrun": True} if value.fails_run else {}
    head = f"{identifier(value.variable)}.as_teardown"
    return call(head, {"setups": list(value.setups), **fails}, indent)


def arrow(edge: tuple[str, str], indent: int) -> Code:
    """Write an edge `upstream >> downstream`, in parentheses when the line is too long."""
    pad = " " * indent
    first, second = map(identifier, edge)
    flat = f"{pad}{first} >> {second}"
    if len(flat) <= WIDTH:
        return Code(flat)
    return Code(f"{pad}(\n{pad}    {first}\n{pad}    >> {second}\n{pad})")


def pad(indent: int) -> Code:
    """Return the spaces that a line indented by `indent` starts with."""
    return Code(" " * indent)


FILTERS: dict[str, Callable[..., Code]] = {
    "argument": argument,
    "arguments": arguments,
    "arrow": arrow,
    "expand": expand,
    "identifier": identifier,
    "pad": pad,
    "teardown": teardown,
}


@cache
def environment() -> Environment:
    """Return the one environment that all DAG files are rendered in."""
    made = Environment(
        loader=FileSystemLoader(template_folder()),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters = dict(FILTERS)  # nothing else: `safe`, `join` or `format` could build code
    return made
