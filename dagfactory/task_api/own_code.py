"""The project's own Python that an environment lets Airflow's processes import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dagfactory.diagnostics.diagnostic import Diagnostic

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.project.code import Project
    from dagfactory.task_api.context import LoweringContext


@dataclass(frozen=True, slots=True)
class OwnCode:
    """Files by their paths below the folder `name` of the bundle; `packages` are their first parts."""

    name: str
    packages: tuple[str, ...]
    files: dict[str, bytes]
    problems: tuple[Diagnostic, ...]

    def holds(self, function: str) -> bool:
        """Whether a dotted path leads into the code."""
        return function.partition(".")[0] in self.packages


def own_code(environment: EnvironmentFile | None, project: Project) -> OwnCode:
    """Return the code of an environment; problems have pointers into the environment's file."""
    folders = tuple(environment.code) if environment else ()
    files: dict[str, bytes] = {}
    problems: list[Diagnostic] = []
    for index, written in enumerate(folders):
        code = project.named(written)
        files |= code.files
        problems += [each.below(("code", index)) for each in code.problems]
    packages = tuple(PurePosixPath(each).name for each in folders)
    return OwnCode(project.bundle_folder(folders), packages, files, tuple(problems))


def code_argument(function: str, lowering: LoweringContext) -> dict[str, str]:
    """Return the argument that says where a function of the project lies; none for installed ones."""
    code = own_code(lowering.environment, lowering.pipeline.project)
    return {"code": code.name} if code.holds(function) else {}
