"""Python functions that a dag-factory file names: by dotted path, or by name and file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dagfactory.diagnostics.wording import shorten
from dagfactory.importers._remarks import BrokenError, NotDataError
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.diagnostics.span import Span
    from dagfactory.importers._shared import Argument
    from dagfactory.importers._values import ImportContext

DOTTED = re.compile(r"(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
KEYS = ("python_callable", "python_callable_name", "python_callable_file")


def function(given: Mapping[str, Argument], context: ImportContext, task: Span) -> str:
    """Return the dotted path of the function of a task; raises BrokenError when none is named."""
    path, name, file = (given.get(key) for key in KEYS)
    if path and yaml11_value(path.node) is not None:
        value = str(yaml11_value(path.node))
        if not DOTTED.fullmatch(value):
            raise NotDataError(f"`{shorten(value)}` is not a dotted path", path.node.span)
        return value
    if not (name and file):
        raise BrokenError("a Python task names no function", task, "write `python_callable`")
    return function_in_file(name, file, context)


def function_in_file(name: Argument, file: Argument, context: ImportContext) -> str:
    """Return the dotted path of a function that is named by its file, with a remark to move it."""
    found = f"{_module(str(yaml11_value(file.node)), file.node.span)}.{yaml11_value(name.node)}"
    if not DOTTED.fullmatch(found):
        raise NotDataError(f"`{shorten(found)}` is not a dotted path", name.node.span)
    context.add(
        "move-code",
        f"the function is called as `{found}`",
        file.node.span,
        "its module must be importable on the workers; the `dags/` folder is on the path",
    )
    return found


def _module(file: str, span: Span) -> str:
    """Return the module of a file, as seen from the `dags/` folder it probably lies in."""
    path = PurePosixPath(file)
    parts = list(path.with_suffix("").parts)
    parts = parts[parts.index("dags") + 1 :] if "dags" in parts else parts
    # from behind the last folder that cannot be part of an import path, such as `${AIRFLOW_HOME}`
    start = max((at for at, part in enumerate(parts, 1) if not _NAME.fullmatch(part)), default=0)
    module = parts[start:] if "dags" in path.parts or file.startswith("$") else parts[-1:]
    if path.suffix != ".py" or not module or not all(map(_NAME.fullmatch, module)):
        raise NotDataError(f"`{shorten(file)}` is not a Python module", span)
    return ".".join(module)
