"""Secrets in plain sight: what is written into a spec ends in Git, in the bucket and in the console."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from dagfactory.problems import Problem
from dagfactory.spec.common import is_open

if TYPE_CHECKING:
    from dagfactory.plan import Path, Plan

_KINDS = (
    ("an API key of Google", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("an access token of Google", r"\bya29\.[0-9A-Za-z_-]{20,}"),
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
    ("an access key of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a token of GitHub", r"\bgh[opsur]_[0-9A-Za-z]{36,}|\bgithub_pat_[0-9A-Za-z_]{22,}"),
    ("a token of GitLab", r"\bglpat-[0-9A-Za-z_-]{20,}"),
    ("a token of Hugging Face", r"\bhf_[0-9A-Za-z]{30,}"),
    ("a key of a model provider", r"\bsk-[0-9A-Za-z_-]{20,}"),
    ("a token of Slack", r"\bxox[abeprs]-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/T\w+/B\w+"),
    ("a key of Stripe", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("a JSON web token", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    ("a password in an address", r"://[^/\s:@]+:[^/\s:@{}$]{3,}@"),
)
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_NAMES = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|token|api_?key|private_key|access_key"
    r"|secret_key|credentials?)$"
)
_NO_SECRET = re.compile(r"[\s/]|^[a-z]+$|^\d+$")
_OPAQUE = re.compile(r"[0-9A-Za-z+=_-]{24,}")
_FEWEST = 8
_BITS = 4.0
"""Shannon entropy per character; words and names stay below, random base64 lies above."""
_TURNS = 0.4
"""Share of neighbours of different classes (upper, lower, digit); about 0.6 in random text."""


def check(plan: Plan) -> Iterator[Problem]:
    """Find texts that look like a secret; messages never hold the text, reports hide its place."""
    plain = {path for item in plan.tasks.values() for path in _plain(plan, item.path)}
    fields = plan.node.value if isinstance(plan.node.value, dict) else {}
    for key, child in fields.items():
        if key in {"vars", "environments"}:
            continue
        for path, node in child.walk((key,)):
            if isinstance(node.value, str):
                yield from _problems(path, node.value, plain=path in plain)


def _plain(plan: Plan, task: Path) -> Iterator[Path]:
    """Yield the paths of a task's environment variables and arguments, which anybody can read."""
    for key in ("env", "args"):
        node = plan.node.find((*task, key))
        if node:
            yield from (path for path, _ in node.walk((*task, key)))


def _problems(path: Path, text: str, *, plain: bool) -> Iterator[Problem]:
    kind = next((kind for kind, pattern in _PATTERNS if pattern.search(text)), None)
    if kind:
        yield _problem(path, f"this looks like {kind}")
    elif plain and not is_open(text) and _named_secret(path, text):
        yield _problem(path, f"`{path[-1]}` holds a secret in plain sight")
    elif plain and _random(text):
        yield replace(_problem(path, "this looks like a random key or token"), severity="warning")


def _problem(path: Path, message: str) -> Problem:
    remedy = "store it in Secret Manager; a job reads it by `secrets: {NAME: SECRET_ID}`"
    return Problem("DF302", message, path, help=remedy, hidden=True)


def _named_secret(path: Path, text: str) -> bool:
    """Whether the key says that its value is a secret, and the value could be one."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(path[-1])).lower().replace("-", "_")
    return bool(_NAMES.search(words)) and len(text) >= _FEWEST and not _NO_SECRET.search(text)


def _random(text: str) -> bool:
    """Whether a text is one long word that nobody would make up."""
    if not _OPAQUE.fullmatch(text):
        return False
    counts = Counter(text).values()
    bits = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    turns = sum(_class(one) != _class(other) for one, other in pairwise(text))
    return bits >= _BITS and turns >= _TURNS * len(text)


def _class(character: str) -> str:
    return "0" if character.isdigit() else "A" if character.isupper() else "a"
