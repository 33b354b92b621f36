"""Permissions of Google Cloud by the kinds of tasks that need them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from dagfactory.catalogue import tables


class Permission(NamedTuple):
    """A permission: what it is given on, and in which runs it is used."""

    name: str
    where: str
    when: str


def permissions(kinds: Iterable[str]) -> frozenset[Permission]:
    """Return what kinds of tasks need; a kind without rows needs nothing."""
    return frozenset(each for kind in kinds for each in _by_kind().get(kind, ()))


@cache
def _by_kind() -> dict[str, list[Permission]]:
    made: dict[str, list[Permission]] = {}
    for row in tables.rows("permissions.csv"):
        permission = Permission(row["permission"], row["where"], row["when"])
        made.setdefault(row["what"], []).append(permission)
    return made
