"""Where a sync goes, and whether the bundle can be imported there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from dagfactory.deploy.errors import DestinationError
from dagfactory.deploy.show import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dagfactory.compiler.bundle.bundle import Bundle
    from dagfactory.language.environment import EnvironmentFile


def choose_destination(to: str | None, environments: list[EnvironmentFile], bundle: Bundle) -> str:
    """Return where a bundle goes; warn where something would not be found from there."""
    # before the store is opened: a wrong path is known without credentials
    destination = destination_of(to, environments)
    package = environments[0].package if environments else ""
    warnings = (
        import_path_warning(destination, package),
        package_warning(destination, bundle.manifest),
    )
    for each in filter(None, warnings):
        say(f"warning: {each}")
    return destination


def destination_of(to: str | None, environments: Iterable[EnvironmentFile | None]) -> str:
    """Return the destination: `to` if given, else the `dags:` that all environments share."""
    if to is not None:
        return to.strip()
    known = {each.dags for each in environments if each} - {None}
    if len(known) > 1:
        raise DestinationError("the specs have several `dags:`; sync one set of specs at a time")
    for found in known:
        if found:
            return found
    raise DestinationError(
        "the environment has no `dags:`; add one to its file, or give --to gs://BUCKET/dags/PREFIX"
    )


def import_path_warning(destination: str, package: str) -> str | None:
    """Return a warning where the DAG files could not import their runtime, None where they can.

    They import it as `<package>.dagfactory_runtime_…`, from the path below the `dags` folder.
    Raises DestinationError when the destination has a `dags` folder and lies elsewhere below it.
    """
    parts = destination.removeprefix("gs://").rstrip("/").split("/")
    wanted = ["dags", *filter(None, package.split("."))]
    # Without a package and without a `dags` folder nothing is known: the folder may be one itself.
    if parts[-len(wanted) :] == wanted or not (package or "dags" in parts):
        return None
    runtime = ".".join([*wanted[1:], "dagfactory_runtime_…"])
    line = f"the DAG files import `{runtime}`: the destination has to end in `{'/'.join(wanted)}`"
    if "dags" in parts:
        raise DestinationError(f"{line}, and {destination} does not")
    return line


def package_warning(destination: str, manifest: bytes) -> str | None:
    """Return a warning where the jobs of a bundle would not find their packages, None where they do."""
    address = json.loads(manifest).get("address")
    if address in (None, destination.rstrip("/")):
        return None
    return f"jobs install their packages from {address}: bring `dagfactory_package_*` there as well"


def history_address(destination: str) -> str:
    """Return where the history of a destination lies: in `data/` beside its `dags` folder.

    So it does in the bucket of Composer, whose DAG processor does not look there.
    """
    if destination.startswith("gs://"):
        bucket, _, prefix = destination.removeprefix("gs://").partition("/")
        return f"gs://{bucket}/data/dagfactory/{prefix.strip('/')}"
    folder = Path(destination).absolute()
    parts = folder.parts
    if "dags" not in parts:
        return str(folder.parent / f".{folder.name}.history")
    at = len(parts) - 1 - parts[::-1].index("dags")
    return str(Path(*parts[:at], "data", "dagfactory", *parts[at:]))
