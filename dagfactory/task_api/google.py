"""What every task on Google Cloud needs: a project and a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.document.finding import Problem

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.task import TaskBase
    from dagfactory.task_api.context import Scope


def cloud_arguments(scope: Scope) -> dict[str, Any]:
    """Return the project and the region of the environment."""
    environment = scope.environment
    if environment is None:
        raise ValueError("a cloud task without an environment reached lowering")
    made: dict[str, Any] = {"project": environment.project, "region": environment.region}
    poll = scope.pipeline.defaults.poll
    return made | ({"poll": int(poll.total_seconds())} if poll else {})


def cloud_problems(task: TaskBase, environment: EnvironmentFile | None) -> Iterator[Problem]:
    """Yield a problem when there is no environment to take them from."""
    if environment is None:
        message = f"a `{task.type}` task needs an environment for its project and region"
        yield Problem("DF113", message, (), key=True, help="choose one: --env NAME")
