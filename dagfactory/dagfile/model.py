"""A DAG file as data, between lowering and rendering.

A `DagFile` names what the file imports and calls; it holds no layout and no Python text. Values are Python
literals (str, int, float, bool, None, list, tuple, dict) and the small nodes below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """An importable name, for example `datetime.timedelta`; `alias` is what the file calls it."""

    module: str
    name: str
    alias: str = ""

    @property
    def local(self) -> str:
        """Return the name that the file knows it by."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an imported name as a value, for example `timedelta(minutes=5)`."""

    symbol: Symbol
    arguments: dict[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Indices:
    """`list(range(count))`: the indices that a mapped task runs over."""

    count: int


@dataclass(frozen=True, slots=True)
class Variable:
    """Another operator of the file, or its `output`: what it will have returned."""

    name: str
    output: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator call.

    `id` is the task id inside its group; `variable` the unique Python name; `expand` holds what
    the task is mapped over (empty for an ordinary task).
    """

    id: str
    variable: str
    symbol: Symbol
    arguments: dict[str, Any] = field(default_factory=dict)
    expand: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A task group with its members in spec order and the edges between them."""

    id: str
    variable: str
    members: tuple[Operator | Group, ...]
    edges: tuple[tuple[str, str], ...] = ()
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first comment lines say: where the file came from, never when."""

    generator: str
    source: str
    digest: str
    target: str
    environment: str


@dataclass(frozen=True, slots=True)
class Teardown:
    """The task `variable` takes down what the tasks of `setups` set up."""

    variable: str
    setups: tuple[Variable, ...]
    fails_run: bool = False


@dataclass(frozen=True, slots=True)
class DagFile:
    """A whole DAG file: header, arguments, tasks, edges (pairs of variables, upstream first), teardowns."""

    header: Header
    dag: Symbol
    group: Symbol
    arguments: dict[str, Any]
    members: tuple[Operator | Group, ...]
    edges: tuple[tuple[str, str], ...]
    teardowns: tuple[Teardown, ...] = ()


def walk(members: tuple[Operator | Group, ...]) -> Iterator[Operator | Group]:
    """Yield every operator and group, outer before inner, in order."""
    for member in members:
        yield member
        if isinstance(member, Group):
            yield from walk(member.members)


def symbols(dag_file: DagFile) -> list[Symbol]:
    """Return every symbol the file must import, sorted and without duplicates."""
    found = {dag_file.dag}
    for member in walk(dag_file.members):
        found.add(member.symbol if isinstance(member, Operator) else dag_file.group)
        if isinstance(member, Operator):
            _gather(member.arguments, found)
            _gather(member.expand, found)
    _gather(dag_file.arguments, found)
    return sorted(found)


def _gather(value: Any, found: set[Symbol]) -> None:
    """Add the symbols used anywhere inside a value."""
    match value:
        case Call():
            found.add(value.symbol)
            _gather(value.arguments, found)
            _gather(value.positional, found)
        case dict():
            for item in value.values():
                _gather(item, found)
        case list() | tuple():
            for item in value:
                _gather(item, found)
