"""Resource Manager: projects.get. Every project that is named by its id exists and is active."""

import zlib
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import PROJECTS, message_class
from dagfactory.emulator.rpc_routes import Method

_SERVICE = f"{PROJECTS}.Projects"


def number_of(project: str) -> str:
    """Return the number that a project has here; a number is its own."""
    return project if project.isdigit() else f"1{zlib.crc32(project.encode()):011}"


def methods(account_project: str) -> list[Method]:
    """Return the rows of Resource Manager's route table; a number is known of the account's project."""

    def get(request: Any) -> Any:
        return _get(request.name.removeprefix("projects/"), account_project)

    return [Method(_SERVICE, "GetProject", "GET", "/v3/{name=projects/*}", get)]


def _get(project: str, account_project: str) -> Any:
    if project == number_of(account_project):
        project = account_project
    if project.isdigit():
        resource = f"//cloudresourcemanager.googleapis.com/projects/{project}"
        text = f"Permission 'resourcemanager.projects.get' denied on resource '{resource}'"
        raise ApiError("PERMISSION_DENIED", f"{text} (or it may not exist).")
    made = message_class(f"{PROJECTS}.Project")()
    made.name = f"projects/{number_of(project)}"
    made.project_id = made.display_name = project
    made.state = made.ACTIVE
    return made
