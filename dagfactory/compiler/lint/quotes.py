"""Curly quotes in commands: a shell takes them for letters, as they come out of a word processor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath
    from dagfactory.document.node import Node

_COMMANDS = ("command", "commands", "entrypoint", "bash_command", "cmds")
_CURLY = re.compile("[\u2018\u2019\u201c\u201d]")
_STRAIGHT = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
"""What stands between straight quotes is a text, in which typographic quotes may be meant."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find the first curly quote of each command."""
    for item in plan.tasks.values():
        for key in _COMMANDS:
            for holder in ((*item.path, key), (*item.path, "args", key)):
                node = plan.node.find(holder)
                yield from _in_command(holder, node) if node else ()


def _in_command(path: KeyPath, node: Node) -> Iterator[Diagnostic]:
    for here, text in node.walk(path):
        found = _first(text.value) if isinstance(text.value, str) else None
        if found:
            straight = _STRAIGHT[found[0]]
            yield Diagnostic(
                "DF333",
                f"`{found[0]}` is a letter to the shell, not a quote",
                Pointer(here, start=found.start(), end=found.end()),
                help=f"write `{straight}`; a text between straight quotes may hold it",
                severity="warning",
            )


def _first(text: str) -> re.Match[str] | None:
    """Return the first curly quote outside of straight quotes."""
    return _CURLY.search(_QUOTED.sub(lambda each: " " * len(each[0]), text))
