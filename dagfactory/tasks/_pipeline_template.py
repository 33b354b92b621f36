"""The template of a `pipeline` task: read from the project, checked, packed for the bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.diagnostics.wording import did_you_mean, shorten
from dagfactory.language.common import Text, bad, is_open
from dagfactory.project.content_name import content_name
from dagfactory.runtime import pipeline_template as templates
from dagfactory.tasks._address import is_storage

if TYPE_CHECKING:
    from dagfactory.project.code import Project

FILE = "pipeline.json"
_HELP = (
    "name a file that `kfp` has compiled: `compiler.Compiler().compile(pipeline, 'pipeline.yaml')`"
)
_WORDS = {
    "STRING": "a text",
    "NUMBER_INTEGER": "a whole number",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "LIST": "a list",
    "STRUCT": "a mapping",
}


def _path(text: str) -> str:
    if is_storage(text) or "://" not in text:
        return text
    raise bad(
        f"`{shorten(text)}` is not a template that can be read",
        "put the file into the project, or into Cloud Storage (`gs://…`)",
    )


TemplatePath = Annotated[Text, AfterValidator(_path)]


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the project: what it takes, what it returns, what is wrong with it."""

    tree: Mapping[str, Any]
    parameters: Mapping[str, Mapping[str, Any]]
    outputs: tuple[str, ...]
    problems: tuple[Diagnostic, ...] = ()


def is_address(template: str) -> bool:
    """Whether a template lies in a bucket, and is read when the task runs."""
    return is_storage(template) or is_open(template)


def template_of(written: str, project: Project) -> Template | None:
    """Return a template of the project; None for one in a bucket."""
    if is_address(written):
        return None
    text = project.text(written)
    if isinstance(text, Diagnostic):
        return _broken(text.below(("template",)))
    return _read(written, text)


# its outputs, its checks and the bundle each ask, and YAML of a megabyte takes its time
@lru_cache(maxsize=16)
def _read(written: str, text: str) -> Template:
    try:
        tree = templates.parse(text)
        json.dumps(tree)
        parameters, outputs = templates.parameters(tree), tuple(templates.output_names(tree))
    except (templates.UnfitError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, templates.UnfitError) else "it is malformed"
        message = f"`{shorten(written)}` is not a compiled pipeline: {reason}"
        return _broken(Diagnostic("DF357", message, Pointer(("template",)), _HELP))
    return Template(tree, parameters, outputs)


def _broken(problem: Diagnostic) -> Template:
    return Template({}, {}, (), (problem,))


def packed(template: Template) -> dict[str, bytes]:
    """Return the template by its path in the bundle, which is that of its content."""
    if template.problems:
        return {}
    text = json.dumps(template.tree, sort_keys=True, separators=(",", ":")).encode()
    return {f"{content_name('package', {FILE: text})}/{FILE}": text}


def parameter_problems(template: Template, given: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Find parameters that the pipeline does not take, that are missing, or of another type."""
    if template.problems:
        return
    declared = template.parameters
    for name, value in given.items():
        if name not in declared:
            place = Pointer(("params", name), key=True)
            message = f"the pipeline takes no parameter `{name}`"
            yield Diagnostic("DF358", message, place, help=did_you_mean(name, declared))
        elif not _fits(str(declared[name].get("parameterType")), value):
            wanted = _WORDS[str(declared[name]["parameterType"])]
            message = f"`{shorten(str(value))}` is not {wanted}"
            help_ = f"the pipeline takes `{name}` as {wanted}"
            yield Diagnostic("DF358", message, Pointer(("params", name)), help=help_)
    for name, each in declared.items():
        if given.get(name) is None and not ("defaultValue" in each or each.get("isOptional")):
            place = Pointer(("params",) if given else (), key=True)
            message = f"the pipeline needs the parameter `{name}`"
            yield Diagnostic("DF358", message, place, help=f"add `{name}: ...` to `params`")


def _fits(kind: str, value: Any) -> bool:
    """Whether a value is one of a type; what only the run knows is tried there."""
    if value is None or (isinstance(value, str) and is_open(value)):
        return True
    # a number where a text is wanted is written as one: that is what YAML makes of `1`
    if kind != "STRING" and isinstance(value, str):
        return False
    try:
        templates.fitted("", kind, value)
    except templates.UnfitError:
        return False
    return True
