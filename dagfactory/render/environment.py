"""The Jinja environment that DAG files are rendered in.

Autoescape for Python: whatever a template prints that is not `Code` becomes a literal through the
finalize hook, so `{{ x }}` can never be anything but a value. Undefined names are errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dagfactory.package import template_folder
from dagfactory.render.quote import WIDTH, Code, fit, identifier, literal


def finalize(value: Any) -> Any:
    """Turn every printed value into code: `Code` stays, all else becomes its literal."""
    if isinstance(value, StrictUndefined):
        str(value)  # raises UndefinedError with the name
    return value if hasattr(value, "__html__") else Code(literal(value))


def argument(item: tuple[str, Any], indent: int) -> Code:
    """Write a keyword argument `key=value` on a line indented by `indent`."""
    prefix = f"{identifier(item[0])}="
    return Code(prefix + fit(item[1], indent, prefix))


def arguments(items: Mapping[str, Any], indent: int) -> Code:
    """Write keyword arguments, one a line that is indented by `indent`."""
    start = " " * indent
    return Code("".join(f"{start}{argument(item, indent)},\n" for item in items.items()))


def keywords(values: dict[str, Any], indent: int) -> Code:
    """Write the keyword arguments of `).expand(…)`, one a line when they do not fit behind it."""
    flat = ", ".join(f"{identifier(key)}={literal(value)}" for key, value in values.items())
    if indent + len(").expand()") + len(flat) <= WIDTH and flat.isascii():
        return Code(flat)
    pad = " " * indent
    rows = "".join(f"{pad}    {argument(item, indent + 4)},\n" for item in values.items())
    return Code(f"\n{rows}{pad}")


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
    "identifier": identifier,
    "keywords": keywords,
    "pad": pad,
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
