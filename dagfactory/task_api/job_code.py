"""The project's own code that a job runs: packed into wheels, which travel in the bundle."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dagfactory.diagnostics import limits
from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import KeyPath, Pointer
from dagfactory.diagnostics.wording import closest, did_you_mean, shorten
from dagfactory.language.job import is_local
from dagfactory.project.content_name import content_name
from dagfactory.project.wheel import wheel, wheel_name

if TYPE_CHECKING:
    from dagfactory.language.job import JobTask
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.project.code import Code, Project

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===?|~=|!=|<=?|>=?)[ \t]*[A-Za-z0-9.*+!_-]+"
_REQUIREMENT = re.compile(
    rf"{_NAME}[ \t]*(?:\[[A-Za-z0-9., _-]+\])?[ \t]*"
    rf"(?:@[ \t]*\S+|{_VERSION}(?:[ \t]*,[ \t]*{_VERSION})*)?[ \t]*(?:;.+)?",
    re.ASCII,
)
"""https://packaging.python.org/en/latest/specifications/dependency-specifiers/, as far as it matters."""

_COMMENT = re.compile(r"\s#")
LONGEST = 1_000
"""Characters of a requirement."""


@dataclass(frozen=True, slots=True)
class JobCode:
    """What a job installs: `packages` are addresses, or paths in the bundle of the `wheels`.

    `module` is what of it runs; `sources` are the files that the wheels are made from.
    """

    packages: tuple[str, ...]
    module: str | None
    wheels: dict[str, bytes]
    sources: dict[str, bytes]
    problems: tuple[Diagnostic, ...]

    def addresses(self, bundle: str) -> list[str]:
        """Return where Vertex AI finds the packages of a bundle that lies at `bundle`."""
        return [f"{bundle}/{each}" if each in self.wheels else each for each in self.packages]


@dataclass(frozen=True, slots=True)
class _Source:
    """Code that the spec names: the path of its key below the task, a name, what was read."""

    path: KeyPath
    name: str
    code: Code


def job_code(task: JobTask, pipeline: Pipeline) -> JobCode:
    """Return the packages of a job, those of the project built; all faults are diagnostics."""
    sources = list(_sources(task, pipeline.project))
    module = _script_module(task.script) if task.script else task.module
    needs, problems = _requirements(task, pipeline.project)
    for each in sources:
        problems += [found.below(each.path) for found in each.code.problems]
    if sources and not problems:
        problems += _module_problems(task, module, sources)
    wheels: dict[str, bytes] = {}
    built: dict[KeyPath, str] = {}
    for each in sources:
        # of several packages the first one brings the requirements: pip installs them all
        built[each.path], content = _packed(each, () if wheels else needs)
        wheels[built[each.path]] = content
    given = enumerate(task.package or ())
    packages = [built.get(("package", index), written) for index, written in given]
    files = {name: content for each in sources for name, content in each.code.files.items()}
    return JobCode(tuple(packages or built.values()), module, wheels, files, tuple(problems))


def _sources(task: JobTask, project: Project) -> Iterator[_Source]:
    if task.script:
        code = project.script(task.script)
        name = _script_module(task.script)
        # `python -m` needs a name that could be imported, whatever the script's file is called
        files = {
            f"{name}.py" if path == PurePosixPath(task.script).name else path: content
            for path, content in code.files.items()
        }
        yield _Source(("script",), name, replace(code, files=files))
    for index, written in enumerate(task.package or ()):
        if is_local(written):
            # all of the path: pip takes two distributions of one name for one
            name = written.strip("./") or "package"
            yield _Source(("package", index), name, project.package(written))


def _script_module(script: str) -> str:
    return re.sub(r"\W", "_", PurePosixPath(script).stem, flags=re.ASCII)


def _packed(source: _Source, requirements: tuple[str, ...]) -> tuple[str, bytes]:
    """Return a wheel with its path in the bundle."""
    name = re.sub(r"[^a-z0-9]+", "_", source.name.lower()).strip("_")
    # the word behind it keeps pip from replacing a distribution of the image that is called so
    name = f"{name}_code".strip("_")
    content = wheel(name, source.code.files, requirements)
    file = wheel_name(name)
    return f"{content_name('package', {file: content})}/{file}", content


def _module_problems(task: JobTask, module: str | None, sources: list[_Source]) -> list[Diagnostic]:
    """Find a module that the packages of the project lack, where they are all that there is."""
    if task.script and module in sys.stdlib_module_names:
        message = f"`{module}` is a module of Python itself, and that one would run"
        return [Diagnostic("DF231", message, Pointer(("script",)), "give the script another name")]
    whole = len(sources) == len(task.package or ())
    if task.script or not module or not whole or any(each.code.defines(module) for each in sources):
        return []
    known = sorted({name for each in sources for name in _modules(each.code)})
    # the image and the requirements bring modules as well
    tops = {name.partition(".")[0] for name in known}
    if module.partition(".")[0] not in tops and not closest(module, known, 1):
        return []
    message = f"`{module}` is not a module of `{task.package[0] if task.package else ''}`"
    at = ("module",) if "module" in task.model_fields_set else ("package",)
    return [Diagnostic("DF231", message, Pointer(at), did_you_mean(module, known))]


def _modules(code: Code) -> Iterator[str]:
    """Yield the modules of a package that can be run."""
    for path in code.files:
        if path.endswith(".py") and not path.endswith("__init__.py"):
            yield path.removesuffix(".py").removesuffix("/__main__").replace("/", ".")


def _requirements(task: JobTask, project: Project) -> tuple[tuple[str, ...], list[Diagnostic]]:
    """Return what a job's code requires; an item that ends in `.txt` is a file of such."""
    needs: list[str] = []
    problems: list[Diagnostic] = []
    for index, written in enumerate(task.requirements):
        place, lines = Pointer(("requirements", index)), [written]
        if written.endswith(".txt"):
            text = project.text(written)
            if isinstance(text, Diagnostic):
                problems.append(text.below(place.path))
                continue
            lines = [_COMMENT.split(line)[0].strip() for line in text.splitlines()]
        for line in lines:
            if line and not line.startswith("#"):
                needs.append(line)
                problems += _bad_requirement(line, place)
    return tuple(needs), problems[: limits.FINDINGS.most]


def _bad_requirement(line: str, place: Pointer) -> list[Diagnostic]:
    # with single spaces: the pattern allows some in places that touch, and would try every share of many
    if len(line) <= LONGEST and _REQUIREMENT.fullmatch(" ".join(line.split())):
        return []
    message = f"`{shorten(line)}` is not a requirement that a package can have"
    help_ = "write a name with versions, e.g. `transformers==4.57.1`; options of pip have no place"
    return [Diagnostic("DF234", message, place, help_)]
