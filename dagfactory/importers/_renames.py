"""Names that change in an import, followed wherever the imported files use them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dagfactory.importers._groups import source_entries, valid_ids
from dagfactory.importers._remarks import BrokenError
from dagfactory.importers._yaml11 import yaml11_value

if TYPE_CHECKING:
    from dagfactory.document.node import Node
    from dagfactory.importers._tasks import SourceEntry

_DAG_KEYS = ("trigger_dag_id", "external_dag_id")
_TASK_KEYS = ("external_task_id", "external_task_ids", "external_task_group_id")
_QUOTED = re.compile(r"""(?P<key>(?:[\w)\]]\[|\.get\(|\bkey\s*=)\s*)?(['"])(?P<name>[^'"{}]*)\2""")
"""A quoted text, with what says that it is a key of something: of `params`, of a result, of XCom."""
_OF_DAG = re.compile(r"""\bdag_id\s*=\s*(['"])(?P<name>[^'"{}]*)\1""")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Renames:
    """New ids of DAGs by their old ones, and those of the tasks of each."""

    dags: Mapping[str, str] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def applied(self, node: Node, dag: str) -> Node:
        """Return a part of a DAG with the new names in place of the old ones."""
        value = node.value
        if isinstance(value, tuple):
            return replace(node, value=tuple(self.applied(each, dag) for each in value))
        if isinstance(value, dict):
            return replace(node, value={key: self._field(node, key, dag) for key in value})
        return self._text(node, dag) if isinstance(value, str) else node

    def _field(self, node: Node, key: str, dag: str) -> Node:
        """Return the value of a key: the name of another DAG, of tasks there, or anything."""
        fields = node.value if isinstance(node.value, dict) else {}
        if key in _DAG_KEYS:
            return _renamed(fields[key], self.dags)
        other = fields.get("external_dag_id")
        if key in _TASK_KEYS and other:
            return _renamed(fields[key], self.tasks.get(str(yaml11_value(other)), {}))
        return self.applied(fields[key], dag)

    def _text(self, node: Node, dag: str) -> Node:
        """Return a text whose templates use the new names."""
        text = str(node.value)
        if "{" not in text:
            return node
        found = _TEMPLATE.sub(lambda template: self._template(template[0], dag), text)
        return replace(node, value=found, raw=None) if found != text else node

    def _template(self, text: str, dag: str) -> str:
        other = _OF_DAG.search(text)  # `xcom_pull(dag_id=…, task_ids=…)` names a task of that DAG
        new = {**self.dags, **self.tasks.get(other["name"] if other else dag, {})}

        def replaced(each: re.Match[str]) -> str:
            quote, name = each[2], each["name"]
            # a variable or a column may be called as a task is
            return each[0] if each["key"] else quote + new.get(name, name) + quote

        return _QUOTED.sub(replaced, text)


def _renamed(node: Node, new: Mapping[str, str]) -> Node:
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(_renamed(each, new) for each in node.value))
    found = new.get(str(yaml11_value(node)))
    return replace(node, value=found, raw=None) if found else node


def task_renames(dag: Node) -> dict[str, str]:
    """Return the new ids of tasks by the old ones, alone and behind those of their groups."""
    try:
        groups = source_entries(dag.child("task_groups"), "group_name", "task group")
        tasks = source_entries(dag.child("tasks"), "task_id", "task")
    except BrokenError:
        return {}
    ids = valid_ids(each.name for each in [*groups, *tasks])
    inside = {each.name: _parent(each) for each in groups} | {
        each.name: _parent(each) for each in tasks
    }
    found = {old: new for old, new in ids.items() if old != new}
    for name in ids:
        chain = list(_chain(name, inside))
        old, new = ".".join(chain), ".".join(ids.get(each, each) for each in chain)
        found |= {old: new} if old != new else {}
    return found


def _parent(entry: SourceEntry) -> str | None:
    for key in ("task_group_name", "parent_group_name"):
        found = entry.node.child(key)
        if found and found.value is not None:
            return str(yaml11_value(found))
    return None


def _chain(name: str, inside: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the groups around a task, the outermost first, and the task."""
    chain: list[str] = []
    here: str | None = name
    while here and here not in chain:
        chain.append(here)
        here = inside.get(here)
    yield from reversed(chain)
