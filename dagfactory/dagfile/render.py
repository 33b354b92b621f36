"""Render: a `DagFile` becomes text."""

from __future__ import annotations

import sys
from functools import lru_cache
from itertools import groupby

from dagfactory.dagfile.jinja import environment
from dagfactory.dagfile.model import DagFile, Header, Symbol, symbols
from dagfactory.dagfile.quote import WIDTH, Code, comment, dotted, identifier


def render(dag_file: DagFile) -> str:
    """Return the text of a DAG file: formatted, static, deterministic."""
    return environment().get_template("dag.py.j2").render(context(dag_file))


def context(dag_file: DagFile) -> dict[str, object]:
    """Return what the template sees: values as data, names and comments as checked code."""
    return {
        "header": _header(dag_file.header),
        "imports": _imports(tuple(symbols(dag_file))),
        "arguments": tuple(dag_file.arguments.items()),
        "members": dag_file.members,
        "edges": dag_file.edges,
        "teardowns": dag_file.teardowns,
    }


def _header(header: Header) -> dict[str, Code]:
    """Return the fields of the header, each checked to be harmless in a comment."""
    names = ("generator", "source", "digest", "target", "environment")
    return {name: comment(getattr(header, name)) for name in names}


@lru_cache(maxsize=256)
def _imports(names: tuple[Symbol, ...]) -> list[list[Code]]:
    """Return the import statements: the standard library's block, then all others."""
    blocks: list[list[Code]] = [[], []]
    for module, group in groupby(names, key=lambda symbol: symbol.module):
        block = blocks[module.split(".")[0] not in sys.stdlib_module_names]
        block += _statements(module, sorted(group, key=_place))
    return [block for block in blocks if block]


def _place(symbol: Symbol) -> tuple[int, str]:
    """Sort as import sorters do: CONSTANTS, then Classes, then functions."""
    kind = 0 if symbol.name.isupper() else 1 if symbol.name[0].isupper() else 2
    return kind, symbol.name


def _statements(module: str, symbols: list[Symbol]) -> list[Code]:
    """Write the imports from one module: a statement for each renamed name, one for all others."""
    plain = [identifier(each.name) for each in symbols if not each.alias]
    renamed = [
        Code(f"from {dotted(module)} import {identifier(each.name)} as {identifier(each.alias)}")
        for each in symbols
        if each.alias
    ]
    return [*([_import(module, plain)] if plain else []), *renamed]


def _import(module: str, parts: list[Code]) -> Code:
    """Write one import statement, one name a line when it does not fit."""
    flat = f"from {dotted(module)} import {', '.join(parts)}"
    if len(flat) <= WIDTH:
        return Code(flat)
    rows = "".join(f"    {part},\n" for part in parts)
    return Code(f"from {dotted(module)} import (\n{rows})")
