"""What the tasks that wait share: how often they look, and what becomes of them when nothing comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dagfactory.language.common import Duration
from dagfactory.language.task import TaskBase
from dagfactory.tasks._google import poll, seconds

if TYPE_CHECKING:
    from dagfactory.task_api.context import LoweringContext


class WaitingTask(TaskBase):
    """Wait without a worker; when `timeout` is over the task fails, without a retry."""

    poll: Duration | None = Field(
        None, description="How often Airflow looks; 60 s if absent.", examples=["5m"]
    )
    on_timeout: Literal["fail", "skip"] = Field(
        "fail", description="What becomes of the task when nothing came.", examples=["skip"]
    )


def waiting(task: WaitingTask, lowering: LoweringContext) -> dict[str, Any]:
    """Return the arguments of a sensor that defers."""
    limit = seconds(task, lowering)
    return {
        "deferrable": True,
        **poll(task.poll, lowering, "poke_interval"),
        **({"timeout": limit} if limit else {}),
        **({"soft_fail": True} if task.on_timeout == "skip" else {}),
    }
