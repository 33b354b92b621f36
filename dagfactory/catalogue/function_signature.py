"""The parameters of a function, read from the source of its module: nothing is imported.

What cannot be read for certain (a decorated function, a name that is assigned) is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DEEPEST = 12
"""So many imports from module to module are followed."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a function by name; `open` when it takes any other keyword as well.

    `positional` are those that a position can fill, in order, the first `only` of them nothing else.
    """

    positional: tuple[str, ...]
    only: int
    named: tuple[str, ...]
    required: frozenset[str]
    any_position: bool
    open: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a dotted path leads to; `parameters` are None where they are not known.

    `exists` is false when there is certainly no such thing; `names` are then what there is instead.
    """

    exists: bool
    parameters: Parameters | None = None
    names: tuple[str, ...] = ()


_UNKNOWN = Found(exists=True)


def find_function(path: str, files: Mapping[str, bytes], depth: int = _DEEPEST) -> Found:
    """Find a function at a dotted path among the files of a project's packages."""
    module, _, name = path.rpartition(".")
    file = _module_file(module, files)
    if file is None:
        modules = sorted({each for each in map(_module_name, files) if each})
        return Found(exists=False, names=tuple(f"{each}.{name}" for each in modules))
    tree = ast.parse(files[file])
    bound = [each for each in _statements(tree.body) if name in _binds(each)]
    if not bound:
        return _UNKNOWN if _anything(tree) else Found(exists=False, names=_functions(tree, module))
    last = bound[-1]
    # bound twice, as in `try: … except ImportError: …`, or by what only a run can tell
    if len(bound) > 1 or depth <= 0:
        return _UNKNOWN
    if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef):
        return Found(
            exists=True, parameters=None if last.decorator_list else _parameters(last.args)
        )
    if isinstance(last, ast.ImportFrom):
        origin = _imported_from(last, name, module, file)
        if _module_file(origin.rpartition(".")[0], files):
            return find_function(origin, files, depth - 1)
    return _UNKNOWN


def _module_file(module: str, files: Mapping[str, bytes]) -> str | None:
    path = module.replace(".", "/")
    return next((each for each in (f"{path}/__init__.py", f"{path}.py") if each in files), None)


def _module_name(file: str) -> str:
    """Return the dotted name of a module's file, nothing for other files."""
    if not file.endswith(".py"):
        return ""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, those of blocks as well."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.stmt)]
            handlers = [each for each in ast.iter_child_nodes(node) if hasattr(each, "body")]
            for each in handlers:
                inner += [] if isinstance(each, ast.stmt) else each.body
            yield from _statements(inner)


def _binds(node: ast.stmt) -> set[str]:
    """Return the names that a statement itself gives a meaning to."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(each.asname or each.name).partition(".")[0] for each in node.names}
    parts = (each for each in ast.iter_child_nodes(node) if not isinstance(each, ast.stmt))
    names = (each for part in parts for each in ast.walk(part) if isinstance(each, ast.Name))
    return {each.id for each in names if isinstance(each.ctx, ast.Store)}


def _anything(tree: ast.Module) -> bool:
    """Whether a module may have names that its source does not show."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            return True
        if isinstance(node, ast.FunctionDef) and node.name == "__getattr__":
            return True
        if isinstance(node, ast.Name) and node.id in ("globals", "exec", "setattr", "vars"):
            return True
        if isinstance(node, ast.Global):
            return True
    return False


def _functions(tree: ast.Module, module: str) -> tuple[str, ...]:
    found = (each for each in tree.body if isinstance(each, ast.FunctionDef))
    return tuple(f"{module}.{each.name}" for each in found)


def _imported_from(node: ast.ImportFrom, name: str, module: str, file: str) -> str:
    """Return the dotted path of what a module imports under a name."""
    original = next(each.name for each in node.names if name == (each.asname or each.name))
    parts = module.split(".")
    # a relative import begins at the package: the module itself when that is an `__init__.py`
    package = parts if file.endswith("/__init__.py") else parts[:-1]
    base = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*base, *filter(None, [node.module]), original])


def _parameters(arguments: ast.arguments) -> Parameters:
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = positional[: len(positional) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    required = [*without_default, *(each for each, default in pairs if default is None)]
    return Parameters(
        positional=tuple(each.arg for each in positional),
        only=len(arguments.posonlyargs),
        named=tuple(each.arg for each in arguments.kwonlyargs),
        required=frozenset(each.arg for each in required),
        any_position=arguments.vararg is not None,
        open=arguments.kwarg is not None,
    )
