"""The provider's triggers by their names, without importing them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

# Importing it costs 10 s of CPU and 350 MB (docs/decisions.md), and a task that defers only hands over
# a class path and arguments. The triggerer imports the class, once for all jobs. A trigger of our own
# is not possible: the triggerer has no DAG folder on its path.
MODULE = "airflow.providers.google.cloud.triggers.vertex_ai"
PIPELINE = f"{MODULE}.CustomContainerTrainingJobTrigger"
PIPELINE_RUN = f"{MODULE}.RunPipelineJobTrigger"
TUNING = f"{MODULE}.CreateHyperparameterTuningJobTrigger"


class JobTrigger(BaseTrigger):
    """A trigger of the provider, given by its path, in the process that defers.

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
        """Run the provider's trigger."""
        # Only dag.test() gets here, which runs triggers in its own process.
        module, _, name = self.path.rpartition(".")
        real = getattr(import_module(module), name)(**self.arguments)
        async for event in real.run():
            yield event
