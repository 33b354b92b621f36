"""Names of a rendered file: every task gets a variable of its own, every class a name of its own."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dagfactory.dagfile.model import DagFile, Group, Operator, Symbol, Variable, symbols, walk

if TYPE_CHECKING:
    from collections.abc import Mapping

RESERVED = frozenset({"dag", "datetime", "timedelta", "run_deadline", "list", "range", "float"})
"""What a rendered file uses itself, in lower case as task ids are."""


def variables(ids: Iterable[str]) -> dict[str, str]:
    """Return task id → Python name: the id, or the id with `_` behind it when that is taken."""
    ids = list(ids)
    found: dict[str, str] = {}
    for each in sorted(ids, key=_usable, reverse=True):
        found[each] = each if _usable(each) else free(f"{each}_", {*ids, *found.values()})
    return found


def free(name: str, taken: Collection[str]) -> str:
    """Return the name with as many `_` behind it as it takes to be free."""
    while name in taken or not _usable(name):
        name += "_"
    return name


def _usable(name: str) -> bool:
    return not (keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in RESERVED)


def apart(group: Group, taken: Collection[str]) -> Group:
    """Return a group that lowering made with its members' names kept clear of the taken ones."""
    names = {member.variable: free(member.variable, taken) for member in group.members}
    return replace(
        group,
        members=tuple(_named(each, names) for each in group.members),
        edges=tuple((names[first], names[second]) for first, second in group.edges),
    )


def _named(member: Operator | Group, names: Mapping[str, str]) -> Operator | Group:
    """Return a member under its new name, which others that use its output know as well."""
    variable = names[member.variable]
    if isinstance(member, Group):
        return replace(member, variable=variable)
    expand = {
        key: replace(value, name=names[value.name]) if isinstance(value, Variable) else value
        for key, value in member.expand.items()
    }
    return replace(member, variable=variable, expand=expand)


def distinct(dag_file: DagFile) -> DagFile:
    """Return the DAG file with a local name for each operator class whose own name is taken."""
    given = {each.variable for each in walk(dag_file.members)} | RESERVED
    operators = {each.symbol for each in walk(dag_file.members) if isinstance(each, Operator)}
    used = given | {each.name for each in symbols(dag_file) if each not in operators}
    local: dict[Symbol, Symbol] = {}
    for symbol in sorted(operators):
        name = next(_candidates(symbol.name, used))
        used.add(name)
        local[symbol] = symbol if name == symbol.name else replace(symbol, alias=name)
    return replace(dag_file, members=_renamed(dag_file.members, local))


def _candidates(name: str, used: Collection[str]) -> Iterator[str]:
    """Yield the names a class could have that are free: its own, then numbered ones."""
    if name not in used:
        yield name
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    yield f"{name}_{number}"


def _renamed(
    members: tuple[Operator | Group, ...], local: Mapping[Symbol, Symbol]
) -> tuple[Operator | Group, ...]:
    return tuple(
        replace(each, members=_renamed(each.members, local))
        if isinstance(each, Group)
        else (replace(each, symbol=local[each.symbol]) if local[each.symbol].alias else each)
        for each in members
    )
