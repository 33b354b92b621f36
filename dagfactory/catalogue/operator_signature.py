"""The arguments of a class, read from its source: nothing is imported, so nothing runs and it is fast.

What cannot be read (a class without source here, a base made at run time) is unknown, never guessed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_BASES = {
    "BaseOperator": ("airflow.sdk.bases.operator", "airflow.models.baseoperator"),
    "BaseSensorOperator": ("airflow.sdk.bases.sensor", "airflow.sensors.base"),
}
"""Airflow's own bases by the modules that define them; providers import them by other ways."""

_DEEPEST = 12
"""So many classes and re-exports are followed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The keyword arguments of a class; `complete` when all of its bases could be read."""

    names: frozenset[str]
    required: frozenset[str]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Class:
    module: str
    node: ast.ClassDef


@dataclass(frozen=True, slots=True)
class Source:
    """A module's file, its syntax tree and the parts of its package's name."""

    path: Path
    tree: ast.Module
    package: list[str]


def signature(path: str) -> Signature | None:
    """Return the signature of the class at a dotted path, or None when its source is not here."""
    module, _, name = path.rpartition(".")
    found = _find(module, name, _DEEPEST)
    if found is None:
        return None
    names: set[str] = set()
    required: set[str] | None = None
    complete = True
    for each in _with_bases(found, _DEEPEST):
        init = each and _init(each.node)
        if each is None:
            complete = False
        elif init:
            names |= {argument.arg for argument in _arguments(init)}
            required = _required(init) if required is None else required
            if init.args.kwarg is None:
                break
    return Signature(frozenset(names), frozenset(required or ()) - {"task_id"}, complete)


def _with_bases(found: _Class, depth: int) -> Iterator[_Class | None]:
    """Yield a class and all that it inherits from, the nearest first; None for what is not here."""
    yield found
    for base in found.node.bases:
        name = ast.unparse(base).partition("[")[0]
        if name in ("object", "Generic", "ABC"):
            continue
        inner = _base(found.module, name, depth)
        if inner is None or depth <= 0:
            yield None
        else:
            yield from _with_bases(inner, depth - 1)


def _base(module: str, name: str, depth: int) -> _Class | None:
    for known in _BASES.get(name, ()):
        if found := _find(known, name, depth):
            return found
    return _find(module, name, depth)


def _find(module: str, name: str, depth: int) -> _Class | None:
    """Find a class by its name in a module, or where the module imports it from."""
    read = source(module)
    if read is None or depth <= 0:
        return None
    for node in statements(read.tree.body):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _Class(module, node)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    found = _find(_absolute(read.package, node), alias.name, depth - 1)
                    if found:
                        return found
    return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those in `if` and `try` as well."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try):
            yield from statements([*node.body, *(s for h in node.handlers for s in h.body)])


def _absolute(package: list[str], node: ast.ImportFrom) -> str:
    """Return the module that names are imported from by code in a package."""
    if not node.level:
        return node.module or ""
    parts = package[: len(package) - node.level + 1]
    return ".".join([*parts, *filter(None, [node.module])])


@lru_cache(maxsize=256)
def source(module: str) -> Source | None:
    """Return the source of a module found on Python's path, or None."""
    parts = module.split(".")
    for entry in sys.path:
        for path, package in (
            (Path(entry, *parts[:-1], f"{parts[-1]}.py"), parts[:-1]),
            (Path(entry, *parts, "__init__.py"), parts),
        ):
            if path.is_file():
                tree = _parsed(path)
                return Source(path, tree, package) if tree else None
    return None


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _init(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next(
        (
            each
            for each in node.body
            if isinstance(each, ast.FunctionDef) and each.name == "__init__"
        ),
        None,
    )


def _arguments(init: ast.FunctionDef) -> list[ast.arg]:
    return [*init.args.args[1:], *init.args.kwonlyargs]


def _required(init: ast.FunctionDef) -> set[str]:
    """Return the arguments without a default."""
    plain = init.args.args[1:]
    positional = plain[: len(plain) - len(init.args.defaults)]
    named = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    return {each.arg for each in positional} | {each.arg for each, value in named if value is None}
