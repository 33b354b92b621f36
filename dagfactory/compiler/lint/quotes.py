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

_COMMANDS = ("command", "bash_command", "cmds")
# the closing single one is an apostrophe as well, and alone it is one
_CURLY = re.compile("[\u2018\u201c\u201d]")
_WRAPPED = re.compile("(?:^|(?<==))[\u2018\u201c](?=.*[\u2019\u201d]$)", re.DOTALL)
"""A word of a list, which no shell reads: the quotes are around its value, not in its text."""

_STRAIGHT = {"\u2018": "'", "\u201c": '"', "\u201d": '"'}
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find the first curly quote of each command."""
    for item in plan.tasks.values():
        for key in _COMMANDS:
            for holder in ((*item.path, key), (*item.path, "args", key)):
                node = plan.node.find(holder)
                yield from _in_command(holder, node) if node else ()


def _in_command(path: KeyPath, node: Node) -> Iterator[Diagnostic]:
    for here, text in node.walk(path):
        if not isinstance(text.value, str):
            continue
        # what stands between straight quotes is a text, in which typographic ones may be meant
        bare = _QUOTED.sub(lambda each: " " * len(each[0]), text.value)
        found = _CURLY.search(bare) if here == path else _WRAPPED.search(text.value)
        if found:
            straight = _STRAIGHT[found[0]]
            inside = f"write `{straight}`; a text between straight quotes may hold it"
            yield Diagnostic(
                "DF333",
                f"`{found[0]}` is a letter like any other here, not a quote",
                Pointer(here, start=found.start(), end=found.end()),
                help=inside if here == path else "delete the quotes: each word is on its own",
                severity="warning",
            )
