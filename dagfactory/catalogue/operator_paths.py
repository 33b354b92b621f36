"""Dotted paths that lead nowhere although their package is installed, found in sources without importing.

A module that makes its names when it is asked for them is unknown, never guessed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dagfactory.catalogue.operator_moves import modern
from dagfactory.catalogue.operator_signature import source, statements

_PROVIDERS = "airflow.providers."
_PLACES = ("operators", "sensors", "transfers", "decorators")


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not there: a class of a module, or the module; where it is now; what the module has."""

    module: str
    name: str
    is_module: bool
    moved: str | None
    names: tuple[str, ...] = ()


def missing(path: str) -> Missing | None:
    """Return what a dotted path misses; None when it is there, or nobody here can say."""
    module, _, name = path.rpartition(".")
    names = _names(module)
    if names is None:
        unknown = source(module) is not None or not _is_installed(module)
        return None if unknown else Missing(module, name, is_module=True, moved=_moved(path))
    if name in names:
        return None
    return Missing(module, name, is_module=False, moved=_moved(path), names=_classes(names))


def is_core(path: str) -> bool:
    """Whether a path is Airflow's own, which differs from one line to the next."""
    return path.startswith("airflow.") and not path.startswith(_PROVIDERS)


@cache
def airflow_line() -> str:
    """Return the major version of the Airflow that is installed here, empty without one."""
    for node in _body("airflow"):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return ast.unparse(node.value).strip("'\"").partition(".")[0]
    return ""


def _body(module: str) -> list[ast.stmt]:
    found = source(module)
    return list(statements(found.tree.body)) if found else []


def _names(module: str) -> frozenset[str] | None:
    """Return the names that a module defines or imports; None when it is not there or dynamic."""
    if source(module) is None:
        return _deprecated(module)
    body = _body(module)
    names = frozenset(name for node in body for name in _bound(node))
    return None if "*" in names or "__getattr__" in names or _is_filled(body) else names


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement binds."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (each.asname or each.name.partition(".")[0] for each in names)
        case ast.Assign(targets=targets):
            yield from (each.id for each in targets if isinstance(each, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _is_filled(body: list[ast.stmt]) -> bool:
    """Whether a module calls Airflow's function that adds names to it later."""
    return any("add_deprecated_classes(" in ast.unparse(node) for node in body[-3:])


def _deprecated(module: str) -> frozenset[str] | None:
    """Return the names of a module that Airflow makes up for those who still import it."""
    package, _, last = module.rpartition(".")
    for node in _body(package) if package else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == last:
                    return _keys(value)
    return None


def _keys(value: ast.expr) -> frozenset[str]:
    keys = value.keys if isinstance(value, ast.Dict) else ()
    return frozenset(str(each.value) for each in keys if isinstance(each, ast.Constant))


def _classes(names: frozenset[str]) -> tuple[str, ...]:
    """Return what may be meant by an operator's name."""
    found = (each for each in names if each.endswith(("Operator", "Sensor")))
    return tuple(sorted(each for each in found if "Base" not in each))


def _is_installed(module: str) -> bool:
    """Whether the provider that a module belongs to, or Airflow, is here."""
    if is_core(module):
        return source("airflow") is not None
    return _provider(module) is not None


def _provider(module: str) -> Path | None:
    """Return the folder of the provider that a module belongs to; only Airflow's say what they are."""
    parts = module.split(".") if module.startswith(_PROVIDERS) else []
    for end in range(len(parts), 2, -1):
        found = source(".".join([*parts[:end], "get_provider_info"]))
        if found:
            return found.path.parent
    return None


def _moved(path: str) -> str | None:
    """Return where a class is now: by the table of moves, or else by a search for its name."""
    known = modern(path)
    if known != path and missing(known) is None:
        return known
    module, _, name = path.rpartition(".")
    folder = _provider(module)
    if folder is None and is_core(path):
        found = source(f"{_PROVIDERS}standard.get_provider_info")
        folder = found.path.parent.parent if found else None
    return _defined(name, folder) if folder else None


@cache
def _defined(name: str, folder: Path) -> str | None:
    """Return the path of a class by its name in the sources of providers, an operator's first."""
    wanted = re.compile(rf"^class {re.escape(name)}\b", re.MULTILINE)
    root = next(each for each in (folder, *folder.parents) if each.name == "airflow").parent
    for place in _PLACES:
        for file in sorted(folder.rglob(f"{place}/**/*.py")):
            if wanted.search(file.read_text(encoding="utf-8", errors="replace")):
                return ".".join([*file.relative_to(root).with_suffix("").parts, name])
    return None
