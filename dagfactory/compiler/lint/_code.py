"""Texts that somebody else reads as code: commands of a shell, and SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dagfactory.compiler.lint._texts import Text
    from dagfactory.compiler.plan.model import PlannedTask
    from dagfactory.diagnostics.span import KeyPath

Language = Literal["shell", "SQL"]

_SHELL = re.compile(r"(?:.*/)?(?:ba|da|a|k|z)?sh")
_SCRIPT = re.compile(r"-[a-z]*c")
"""The flag after which a shell expects what to run; the words after that are its `$0`, `$1` and so on."""


def language(text: Text) -> Language | None:
    """Return what a text is read as."""
    if text.item is None:
        return None
    below = text.path[len(text.item.path) :]
    match text.type, below:
        case "bash", ("command",):
            return "shell"
        case _, ("query",):
            return "SQL"
        case "operator", ("args", "bash_command"):
            return "shell"
        case "operator", ("args", "sql", *_):
            return "SQL"
    return "shell" if below == _script(text.item) else None


def _script(item: PlannedTask) -> KeyPath | None:
    """Return where the script of `sh -c SCRIPT` stands in the command of a container."""
    command, args = item.task.field("command"), item.task.field("args")
    # a pod gets its arguments behind its command, so the script may be the first of them
    words = [*_words("command", command), *_words("args", args)]
    if not words or not _SHELL.fullmatch(words[0][1]):
        return None
    for (_, word), (path, _) in pairwise(words[1:]):
        if not word.startswith("-"):
            return None
        if _SCRIPT.fullmatch(word):
            return path
    return None


def _words(key: str, words: object) -> Sequence[tuple[KeyPath, str]]:
    """Return the words of a list, each with its path."""
    if not isinstance(words, list):
        return []
    return [((key, index), str(word)) for index, word in enumerate(words)]
