"""Every format, importer, store and form of a plan satisfies the protocol of its package, to the letter."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dagfactory import importers, report
from dagfactory.deploy import stores
from dagfactory.deploy.changes import formats

PLUGINS = [
    (report, report.Format),
    (importers, importers.Importer),
    (stores, stores.StoreModule),
    (formats, formats.Form),
]


def modules() -> Iterator[Any]:
    """Yield each module that a package finds by listing itself, with the protocol it has to satisfy."""
    for package, protocol in PLUGINS:
        for path in sorted(Path(package.__path__[0]).glob("[!_]*.py")):
            name = f"{package.__name__}.{path.stem}"
            yield pytest.param(name, protocol, id=name.removeprefix("dagfactory."))


def problems(module: ModuleType, protocol: type) -> list[str]:
    """Return where a module differs from a protocol: attributes by their type, functions by signature."""
    found = []
    for name, kind in inspect.get_annotations(protocol, eval_str=True).items():
        if not isinstance(getattr(module, name, None), kind):
            found.append(f"{name} is not a {kind.__name__}")
    for name, member in vars(protocol).items():
        if name.startswith("_") or not inspect.isfunction(member):
            continue
        _, *wanted = inspect.signature(member).parameters.values()
        signature = inspect.Signature(wanted, return_annotation=member.__annotations__["return"])
        function = getattr(module, name, None)
        if not inspect.isfunction(function) or inspect.signature(function) != signature:
            found.append(f"{name} is not {name}{signature}")
    return found


@pytest.mark.parametrize(("name", "protocol"), list(modules()))
def test_a_module_satisfies_the_protocol_of_its_package(name: str, protocol: type) -> None:
    assert problems(import_module(name), protocol) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def connect(destination: str) -> Store: ...", "SCHEME is not a str"),
        ("SCHEME = 'x://'", "connect is not connect(destination: 'str') -> 'Store'"),
        ("SCHEME = 'x://'\ndef connect(to: str) -> Store: ...", "connect is not connect("),
        ("SCHEME = 'x://'\ndef connect(destination: str) -> int: ...", "connect is not connect("),
    ],
)
def test_a_module_that_differs_is_found(source: str, problem: str) -> None:
    module = ModuleType("sample")
    exec(f"from __future__ import annotations\n{source}", vars(module))  # noqa: S102 - our own text
    (found,) = problems(module, stores.StoreModule)
    assert found.startswith(problem)
