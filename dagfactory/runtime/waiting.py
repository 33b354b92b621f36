"""Waiting for a job: the provider's trigger by its name, without importing it.

The import costs ten CPU-seconds and 350 MB, and a task that defers only has to say which class
waits and with which arguments. The triggerer, which imports the class once for all jobs, does the
rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

MODULE = "airflow.providers.google.cloud.triggers.vertex_ai"
PIPELINE = f"{MODULE}.CustomContainerTrainingJobTrigger"
TUNING = f"{MODULE}.CreateHyperparameterTuningJobTrigger"


class JobTrigger(BaseTrigger):
    """Stands for a trigger of the provider, by its path, in the process that defers.

    Arguments: conn_id, project_id, location, job_id, poll_interval (s), impersonation_chain.
    """

    def __init__(self, path: str, **arguments: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's has no annotations
        self.path = path
        self.arguments = arguments

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the provider's class and its arguments: what the triggerer makes."""
        return self.path, self.arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait as the provider's trigger does, where a trigger runs in the task's own process."""
        module, _, name = self.path.rpartition(".")
        real = getattr(import_module(module), name)(**self.arguments)
        async for event in real.run():
            yield event
