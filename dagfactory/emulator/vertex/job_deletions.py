"""Jobs are deleted when they have ended."""

from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.jobs.submitted_job import FINAL
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.custom_jobs import SERVICE
from dagfactory.emulator.vertex.job_states import state_of
from dagfactory.emulator.vertex.operations import Operations

KINDS = ("CustomJob", "HyperparameterTuningJob", "BatchPredictionJob")


class JobDeletions:
    """DeleteCustomJob and its like of JobService."""

    def __init__(self, store: ResourceStore, operations: Operations) -> None:
        self._store, self._operations = store, operations

    def methods(self) -> list[Method]:
        """Return the rows of the route table."""
        return [
            Method(SERVICE, f"Delete{kind}", "DELETE", _path(kind), self.delete) for kind in KINDS
        ]

    def delete(self, request: Any) -> Any:
        """Delete a job that has ended; a long-running operation."""
        if state_of(self._store.get(request.name)) not in FINAL:
            raise ApiError("FAILED_PRECONDITION", f"{request.name} has not ended; cancel it first.")
        self._store.delete(request.name)
        return self._operations.finished(request.name, None, "DeleteOperationMetadata")


def _path(kind: str) -> str:
    return f"/v1/{{name=projects/*/locations/*/{kind[0].lower()}{kind[1:]}s/*}}"
