"""What the trainer that comes with dagfactory says about itself, and which jobs run it.

Nothing called `trainer` is ever imported, for whoever's it is: the settings of ours are one file,
which the compiler's wheel has too; a package `trainer` is read as text.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagfactory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

DISTRIBUTION = "dagfactory-trainer"
"""What our `trainer/__init__.py` says under this name."""

PROGRAMS = (
    "trainer",
    "trainer.data",
    "trainer.textures",
    "trainer.evaluate",
    "trainer.vqa",
    "trainer.vqa_export",
    "trainer.vlm",
    "trainer.vlm.evaluate",
)

# Older than compute capability 8.0: the trainer refuses --precision=bfloat16 there.
WITHOUT_BFLOAT16 = ("NVIDIA_TESLA_P100", "NVIDIA_TESLA_V100", "NVIDIA_TESLA_P4", "NVIDIA_TESLA_T4")


def runs(
    module: str | None, command: object, artifacts: Iterable[str], sources: Iterable[Path]
) -> bool:
    """Whether a job with this module and command runs one of our programs.

    `artifacts` are the packages of the job, or its image; `sources` are the folders where its
    project would keep a package `trainer`, which alone counts where there is one. Then a package or
    image counts that is named after our distribution, then what Python would import here. Packages
    of other names bring a `trainer` of somebody else, or none.
    """
    if module not in PROGRAMS or command:
        return False
    own = of_project(sources)
    if own is not None:
        return own
    names = [each.rpartition("/")[2] for each in artifacts]
    if any(_is_ours(name) for name in names):
        return True
    return not any(name.endswith((".tar.gz", ".whl")) for name in names) and installed()


def _is_ours(name: str) -> bool:
    """Whether a file or an image is named after our distribution, in whichever spelling."""
    return name.replace("_", "-").startswith(DISTRIBUTION)


def of_project(sources: Iterable[Path]) -> bool | None:
    """Whether the package `trainer` of a project is ours; None where it has none."""
    for folder in sources:
        if (folder / "trainer.py").is_file():
            return False
        package = folder / "trainer"
        if (package / "__init__.py").is_file():
            return says_it_is_ours(package / "__init__.py")
        if package.is_dir() and any(package.glob("*.py")):
            return False
    return None


@cache
def installed() -> bool:
    """Whether the `trainer` that Python would import is ours."""
    try:
        found = find_spec("trainer")
    except ValueError:  # a module without a specification, as tests make them
        return False
    return bool(found and found.origin) and says_it_is_ours(Path(str(found and found.origin)))


def says_it_is_ours(init: Path) -> bool:
    """Whether a package's `__init__.py` names our distribution; it is read, not run."""
    try:
        tree = ast.parse(init.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        isinstance(line, ast.Assign)
        and isinstance(line.value, ast.Constant)
        and line.value.value == DISTRIBUTION
        and [ast.unparse(target) for target in line.targets] == ["DISTRIBUTION"]
        for line in tree.body
    )


def settings_file() -> Path:
    """Return the file of settings: beside this one in a wheel, the trainer's own in a checkout."""
    package = Path(dagfactory.__file__).resolve().parent
    bundled = package / "catalogue" / "trainer_settings.py"
    return bundled if bundled.is_file() else package.parent / "trainer" / "settings.py"


@cache
def _definitions() -> Any:
    """Run the file of settings as a module with a name of our own."""
    name = f"{__name__}._settings"
    found = spec_from_file_location(name, settings_file())
    if found is None or found.loader is None:
        raise ImportError(f"{settings_file()} is missing")
    module = module_from_spec(found)
    sys.modules[name] = module  # pydantic looks names up there
    found.loader.exec_module(module)
    return module


def settings(program: str) -> type[BaseModel]:
    """Return the settings of one of our programs."""
    made: type[BaseModel] = _definitions().PROGRAMS[program]
    return made


def varying() -> tuple[str, ...]:
    """Return the settings in which trials may differ that train together."""
    names: tuple[str, ...] = _definitions().VARYING
    return names


def single_run_settings() -> tuple[str, ...]:
    """Return the settings that only a run of its own heeds, not one that trains with others."""
    in_packs = (*varying(), *_definitions().SHAPE)
    names = [field.alias or name for name, field in settings("trainer").model_fields.items()]
    return tuple(name for name in names if name not in in_packs)
