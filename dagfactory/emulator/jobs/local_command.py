"""What to execute for a worker pool: the container's command as a local one."""

import fnmatch
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from dagfactory.emulator.jobs import package as installer

PYTHONS = ("python", "python3")


class NoCommandError(Exception):
    """The container relies on its image's ENTRYPOINT, which the emulator cannot see."""


def local_command(pool: Any, entrypoints: Mapping[str, str]) -> list[str]:
    """Return the argument vector of a WorkerPoolSpec.

    A leading python/python3 becomes this interpreter. A container without a command takes the
    first of `entrypoints` (image glob -> command line) that fits; raises NoCommandError. Python
    packages are installed and run by `package.py` beside this file.
    """
    package = pool.python_package_spec
    if package.python_module:
        given = ["--", package.python_module, *package.args]
        return [sys.executable, installer.__file__, *package.package_uris, *given]
    container = pool.container_spec
    command = list(container.command) or _entrypoint(container.image_uri, entrypoints)
    if command[0] in PYTHONS:
        command[0] = sys.executable
    return [*command, *container.args]


def serving_command(container: Any, entrypoints: Mapping[str, str]) -> list[str]:
    """Return what stands in for a ModelContainerSpec; raises NoCommandError.

    Its own command serves HTTP, which nothing here would ask: only `entrypoints` count.
    """
    command = _entrypoint(container.image_uri, entrypoints)
    return [sys.executable, *command[1:]] if command[0] in PYTHONS else command


def container_environment(pool: Any) -> dict[str, str]:
    """Return the variables the job's author set on the container (or Python package)."""
    package = pool.python_package_spec
    source = package if package.python_module else pool.container_spec
    return {variable.name: variable.value for variable in source.env}


def _entrypoint(image: str, entrypoints: Mapping[str, str]) -> list[str]:
    for glob, command in entrypoints.items():
        if fnmatch.fnmatch(image, glob):
            return shlex.split(command)
    raise NoCommandError(
        f"container image {image!r} gives no command and the emulator runs no images: set "
        f"`command`, or start the emulator with --entrypoint '{image}=COMMAND'"
    )
