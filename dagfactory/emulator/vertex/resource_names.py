"""Parts of resource names: projects/P/locations/R/COLLECTION/ID."""

from typing import NamedTuple

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.projects import number_of

DISPLAY_LENGTH = 128


class ProjectRegion(NamedTuple):
    """A project and a region."""

    project: str
    region: str


def project_region(name: str) -> ProjectRegion:
    """Return project and region of a resource name or a parent; raises INVALID_ARGUMENT."""
    parts = name.split("/")
    if len(parts) < 4 or parts[0] != "projects" or parts[2] != "locations":  # noqa: PLR2004 - the four parts of a location
        raise ApiError("INVALID_ARGUMENT", f"Invalid resource name: {name}")
    return ProjectRegion(parts[1], parts[3])


def parent(name: str) -> str:
    """Return the location a resource lies in."""
    project, region = project_region(name)
    return f"projects/{project}/locations/{region}"


def numbered(name: str) -> str:
    """Return a resource name as Vertex AI answers with it: with the project's number."""
    _, project, rest = name.split("/", 2)
    return f"projects/{number_of(project)}/{rest}"


def last(name: str) -> str:
    """Return the id of a resource."""
    return name.rsplit("/", 1)[-1]


def require_display_name(message: object) -> None:
    """Raise INVALID_ARGUMENT when the resource has no display name, or a long one."""
    if problem := display_name_problem(str(getattr(message, "display_name", ""))):
        raise ApiError("INVALID_ARGUMENT", problem)


def display_name_problem(name: str) -> str:
    """Return what is wrong with a display name, empty when nothing is."""
    limit = f"The display_name can be up to {DISPLAY_LENGTH} characters long."
    long = f"{limit} It has {len(name)}." if len(name) > DISPLAY_LENGTH else ""
    return long if name else "The display_name is required."
