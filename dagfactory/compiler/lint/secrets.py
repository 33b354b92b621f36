"""Secrets in plain sight: what is written into a spec ends in Git, in the bucket and in the console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.redact import is_random, secret_kind, speaks_of_secret
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import is_open

if TYPE_CHECKING:
    from dagfactory.compiler.plan.model import Plan
    from dagfactory.diagnostics.span import KeyPath

_IN_COMMANDS = re.compile(
    r"(?:^|[\s\"'&;])(?:--?|export )?"
    r"([\w-]*(?:password|passwd|token|api[_-]?key|access[_-]?key|secret[_-]key))"
    r"[= ][\"']?([^\s\"'$<>{}()]{8,})",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"[\s/]|^[a-z]+$|^\d+$")
_PLAIN = (
    "env",
    "args",
    "positional",
    "parameters",
    "options",
    "conf",
    "extra",
    "pod",
    "annotations",
    "serving",
)
_HEX = re.compile(r"[0-9a-f]{32,}")
_FEWEST = 8
_SHORTEST = 15
"""No token of a known family is shorter, but for a password in an address."""


def check(plan: Plan) -> Iterator[Diagnostic]:
    """Find texts that look like a secret; messages never hold the text, reports hide its place."""
    open_keys = {(*item.path, key) for item in plan.tasks.values() for key in _PLAIN}
    fields = plan.node.value if isinstance(plan.node.value, dict) else {}
    for key, child in fields.items():
        # a variable is found where it is used, and a patch once it is applied
        if key in {"vars", "environments"}:
            continue
        for path, node in child.walk((key,)):
            kind = secret_kind(str(path[-1]))
            if kind:
                yield _problem(path, f"this looks like {kind}", key=True)
            if isinstance(node.value, str):
                yield from _text_problems(path, node.value, open_keys)
                if (is_random(node.value) or _HEX.fullmatch(node.value)) and _expects_name(path):
                    yield _problem(path, "this looks like the value of a secret, not its name")


def _expects_name(path: KeyPath) -> bool:
    """Whether the name of a secret or of a connection belongs here."""
    # a task may be called `secrets` itself
    around = [key for above, key in pairwise(path[:-1]) if above != "tasks"]
    return path[-1] == "connection" or "secrets" in around[-2:]


def _text_problems(path: KeyPath, text: str, open_keys: set[KeyPath]) -> Iterator[Diagnostic]:
    kind = secret_kind(text) if len(text) >= _SHORTEST or "://" in text else None
    if kind:
        yield _problem(path, f"this looks like {kind}")
    elif _given_in_a_command(text):
        yield _problem(path, "this command holds a secret in plain sight")
    elif not is_open(text) and _named_secret(path, text) and _lies_in(path, open_keys):
        yield _problem(path, f"`{path[-1]}` holds a secret in plain sight")
    elif is_random(text) and _lies_in(path, open_keys):
        # entropy only guesses: a hash or the id of an experiment may look the same
        yield replace(_problem(path, "this looks like a random key or token"), severity="warning")


def _lies_in(path: KeyPath, open_keys: set[KeyPath]) -> bool:
    """Whether a path leads to a task's variables, arguments or parameters, which anybody can read."""
    return any(path[:end] in open_keys for end in range(len(path) + 1))


def _problem(path: KeyPath, message: str, *, key: bool = False) -> Diagnostic:
    remedy = "store it in Secret Manager; a job reads it by `secrets: {NAME: SECRET_ID}`"
    return Diagnostic("DF302", message, Pointer(path, key=key), help=remedy, hidden=True)


def _given_in_a_command(text: str) -> bool:
    """Whether a flag or a variable of a command is given a secret, not the name of a file or variable."""
    return any(
        not _HARMLESS.search(found[2])
        # `--token --verbose-level-2`: the next flag, not a value
        and not found[2].startswith("-")
        # without a digit it is rather a name, as in `--secret wandb-api-key`
        and re.search(r"\d", found[2])
        for found in _IN_COMMANDS.finditer(text)
    )


def _named_secret(path: KeyPath, text: str) -> bool:
    """Whether the key says that its value is a secret, and the value could be one."""
    if len(text) < _FEWEST or _HARMLESS.search(text):
        return False
    return speaks_of_secret(str(path[-1]))
