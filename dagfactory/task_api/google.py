"""What every task on Google Cloud needs: a project and a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer

if TYPE_CHECKING:
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.task import TaskBase
    from dagfactory.task_api.context import LoweringContext


def cloud_arguments(lowering: LoweringContext) -> dict[str, Any]:
    """Return the project and the region of the environment."""
    environment = lowering.environment
    if environment is None:
        raise ValueError("a cloud task without an environment reached lowering")
    made: dict[str, Any] = {"project": environment.project, "region": environment.region}
    poll = lowering.pipeline.defaults.poll
    return made | ({"poll": int(poll.total_seconds())} if poll else {})


def cloud_problems(task: TaskBase, environment: EnvironmentFile | None) -> Iterator[Diagnostic]:
    """Yield a problem when there is no environment to take them from."""
    if environment is None:
        message = f"a `{task.type}` task needs an environment for its project and region"
        yield Diagnostic("DF113", message, Pointer((), key=True), help="choose one: --env NAME")
