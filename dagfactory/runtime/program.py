"""The program of a job as templates: a value that is one expression is written as a literal would be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import Environment, Undefined

from . import native
from .arguments import as_arguments, as_text, as_words

_ARGUMENT = re.compile(r"(?:--)?([^\s={}]+)=(\{\{.*\}\})", re.DOTALL)
_HYDRAS = re.compile(r"([^\s={}]+)=(.*\{\{.*)", re.DOTALL)
_IMAGES = ("imageUri", "executorImageUri")


def is_program(value: Any) -> bool:
    """Return whether a part of a CustomJobSpec says what its machines run."""
    return isinstance(value, dict) and any(key in value for key in _IMAGES)


def rendered(
    program: dict[str, Any], text: Callable[[str], Any], env: Environment, context: Any, style: str
) -> dict[str, list[Any]]:
    """Return the arguments and the environment of a program; ``text`` renders an ordinary template.

    Jinja alone would make ``True``, ``None`` and ``{'a': 1}`` of values, which no program takes for what
    a literal in the spec gives it. A null leaves the argument or the variable out.
    """
    evaluate = _Evaluate(env, context)
    made: dict[str, list[Any]] = {}
    if "args" in program:
        made["args"] = [
            each for item in program["args"] for each in _argument(item, text, evaluate, style)
        ]
    if "env" in program:
        made["env"] = [each for item in program["env"] for each in _variable(item, text, evaluate)]
    return made


class _Evaluate:
    """The value of a text that is one expression and nothing else, jinja2's Undefined for any other."""

    def __init__(self, env: Environment, context: Any) -> None:
        self._env = env
        self._context = context

    def __call__(self, source: str) -> Any:
        inner = native.expression(source, self._env)
        if inner is None:
            return Undefined()
        return native.evaluated(inner, self._context, self._env, undefined_to_none=False)


def _argument(
    item: str, text: Callable[[str], Any], evaluate: _Evaluate, style: str
) -> Iterator[str]:
    found = _ARGUMENT.fullmatch(item)
    value = evaluate(found[2] if found else item)
    mixed = _HYDRAS.fullmatch(item) if style == "hydra" else None
    if found and not isinstance(value, Undefined):
        yield from as_arguments({found[1]: value}, style)
    elif mixed:
        yield from as_arguments({mixed[1]: text(mixed[2])}, style)
    elif not isinstance(value, Undefined):
        yield from as_words(value if isinstance(value, list) else [value])
    else:
        yield text(item)  # and a name that does not exist fails or not as the DAG has it


def _variable(
    item: dict[str, str], text: Callable[[str], Any], evaluate: _Evaluate
) -> Iterator[dict[str, str]]:
    value = evaluate(item["value"])
    if isinstance(value, Undefined):
        yield {**item, "value": text(item["value"])}
    elif value is not None:
        yield {**item, "value": as_text(value)}
