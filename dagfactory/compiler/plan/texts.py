"""The texts of tasks: where references may stand, and whether Airflow will be able to read them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath, Pointer
from dagfactory.diagnostics.wording import did_you_mean
from dagfactory.document.reference import BadReferenceError, Ref, has_reference, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagfactory.document.node import Node
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline


FIXED = frozenset({"pool", "queue", "doc", "outlets", "teardown"})
"""Keys of any task that Airflow reads before a run exists: it renders no template there."""

_TEMPLATE = re.compile(r"\{[{%#]")


def task_texts(node: Node, path: KeyPath) -> list[tuple[KeyPath, str]]:
    """Return every text of a task with its path; the members of a group have their own turn."""
    own = node.find(path)
    fields = own.value if own and isinstance(own.value, dict) else {}
    return [
        (below, text.value)
        for key, child in fields.items()
        if key != "tasks"
        for below, text in child.walk((*path, key))
        if isinstance(text.value, str)
    ]


def references(text: str) -> Iterator[Ref]:
    """Yield the references of a text; malformed ones, and those that are left, were reported before."""
    try:
        yield from (piece for piece in parse(text) if isinstance(piece, Ref) and not piece.static)
    except BadReferenceError:
        return


def is_readable(text: str) -> bool:
    """Whether all references of a text are known: none is malformed, none was left when resolving."""
    if not has_reference(text):
        return True
    try:
        return not any(isinstance(piece, Ref) and piece.static for piece in parse(text))
    except BadReferenceError:
        return False


def text_problems(
    path: KeyPath,
    text: str,
    pipeline: Pipeline,
    environment: EnvironmentFile | None,
    task: KeyPath,
) -> Iterator[Diagnostic]:
    """Find references that lead nowhere or stand where nothing is rendered, and broken templates."""
    key, *inside = path[len(task) :]
    fixed = key in FIXED or (key == "for_each" and bool(inside))
    for ref in references(text):
        if fixed:
            yield misplaced(path, ref)
        elif ref.root == "run" and ref.path == ("dir",) and environment is None:
            yield at(path, ref, "DF113", "`${run.dir}` needs an environment", "choose one: --env")
        elif ref.root == "params":
            yield from unknown_param(path, ref, pipeline)
    if _TEMPLATE.search(text) and not fixed:
        yield from broken_template(path, text)


def unknown_param(path: KeyPath, ref: Ref, pipeline: Pipeline) -> Iterator[Diagnostic]:
    """Find a reference to a parameter that is not declared."""
    name = ref.path[0]
    if name not in pipeline.params:
        help_ = did_you_mean(name, pipeline.params) or "declare it under `params:`"
        yield at(path, ref, "DF205", f"unknown parameter `{name}`", help_)


def misplaced(path: KeyPath, ref: Ref) -> Diagnostic:
    """Return what is wrong with a reference whose value is only known when a run starts."""
    help_ = "only `${vars.…}` and `${env.…}` can stand here"
    message = f"`{ref}` is not known yet when Airflow reads this"
    return at(path, ref, "DF215", message, help_)


def at(path: KeyPath, ref: Ref, code: str, message: str, help_: str | None) -> Diagnostic:
    """Return a problem that lies on one reference of a text."""
    return Diagnostic(code, message, Pointer(path, start=ref.start, end=ref.end), help=help_)


def broken_template(path: KeyPath, text: str) -> Iterator[Diagnostic]:
    """Find a text that Airflow could not render."""
    try:
        pieces = parse(text)
    except BadReferenceError:
        return
    problem = template_problem("".join(map(str, pieces)))
    if problem:
        help_ = "`{{`, `{%` and `{#` begin a template; for the characters write `{{ '{{' }}`"
        message = f"Airflow cannot read this template: {problem[:80].rstrip('.')}"
        yield Diagnostic("DF216", message, Pointer(path), help=help_)


# a tenth of a millisecond for each template, and the same ones come back in each environment
@lru_cache(maxsize=4096)
def template_problem(text: str) -> str | None:
    """Say what is wrong with a Jinja template as Airflow sets Jinja up, or return None."""
    from jinja2 import Environment, TemplateSyntaxError

    try:
        # `do` is the one extension that Airflow adds; without it `{% do … %}` would be an error here
        Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        return str(error.message)
    except RecursionError:  # Airflow, which parses it in the same way, would fail as well
        return "it is nested too deeply"
    return None
