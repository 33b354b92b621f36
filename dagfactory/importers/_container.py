"""A container of Kubernetes or Vertex AI as what a job runs: image, command, variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dagfactory.document.reference import escape
from dagfactory.importers._search import Search, literal
from dagfactory.importers._write import CommentedMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dagfactory.diagnostics.span import KeyPath

_ARGUMENT = re.compile(r"--([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_FLAG = re.compile(r"--([A-Za-z_][A-Za-z0-9_.-]*)")


def words(search: Search, path: KeyPath) -> list[str]:
    """Return a list of words of the source."""
    return [
        str(each.raw if each.raw and not each.quoted else each.value) for each in search.items(path)
    ]


def fill_command(
    search: Search, path: KeyPath, command: list[str], arguments: Sequence[str]
) -> None:
    """Set what the job runs; its arguments become `args` where the image has a command of its own."""
    if command:
        search.sweep["command"] = [escape(each) for each in (*command, *arguments)]
        return
    given = named(arguments)
    if given is None:
        message = "arguments for the image's own command are `--name=value` here"
        search.refuse(path, message, "write `command` too, or all arguments as `--name=value`")
    elif given:
        search.sweep["args"] = CommentedMap({key: escape(each) for key, each in given.items()})


def named(arguments: Sequence[str]) -> dict[str, str] | None:
    """Return arguments that are `--name=value` or `--name value` by name; None for any other."""
    found: dict[str, str] = {}
    left = list(arguments)
    while left:
        word = left.pop(0)
        whole, flag = _ARGUMENT.fullmatch(word), _FLAG.fullmatch(word)
        if whole:
            name, value = whole[1], whole[2]
        elif flag and left and not left[0].startswith("-"):
            name, value = flag[1], left.pop(0)
        else:
            return None
        if name in found:
            return None
        found[name] = value
    return found


def fill_variables(search: Search, path: KeyPath) -> None:
    """Set the environment variables of a container."""
    made = CommentedMap()
    for at, _ in enumerate(search.items(path)):
        name = search.text((*path, at, "name"))
        if search.root.find((*path, at, "valueFrom")):
            message = f"the value of `{name}` comes from the cluster"
            search.refuse((*path, at, "valueFrom"), message, "write it, or use `secrets`")
        elif name:
            made[name] = literal(search.text((*path, at, "value")))
    if made:
        search.sweep["env"] = made
