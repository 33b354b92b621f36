"""Long-running operations: unfinished in the first answer, finished when asked again."""

from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import empty_pb2

from dagfactory.emulator.protos import vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method

SERVICE = "google.longrunning.Operations"
RPC = "google.longrunning."


class Operations:
    """The operations of all resources. A client that does not poll never sees a response."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store

    def methods(self) -> list[Method]:
        """Return the rows of google.longrunning.Operations."""
        name = "{name=projects/*/locations/*/operations/*}"
        nested = "{name=projects/*/locations/*/*/*/operations/*}"
        deeper = "{name=projects/*/locations/*/*/*/*/*/operations/*}"
        deepest = "{name=projects/*/locations/*/*/*/*/*/*/*/operations/*}"
        rows = []
        for path in (name, nested, deeper, deepest):
            rows += [
                Method(
                    SERVICE,
                    "GetOperation",
                    "GET",
                    f"/v1/{path}",
                    self.get,
                    "",
                    RPC + "GetOperationRequest",
                ),
                Method(
                    SERVICE,
                    "WaitOperation",
                    "POST",
                    f"/v1/{path}:wait",
                    self.get,
                    "",
                    RPC + "WaitOperationRequest",
                ),
            ]
        return rows

    def get(self, request: Any) -> Any:
        """Return the finished operation."""
        return self._store.get(request.name)

    def finished(self, resource: str, response: Any, metadata: str) -> Any:
        """Store a finished operation on a resource; return it as it looks just begun."""
        name = self._store.new_name(resource.partition("@")[0], "operations")
        operation = operations_pb2.Operation(name=name)
        details = vertex(metadata)
        details.generic_metadata.create_time.GetCurrentTime()
        details.generic_metadata.update_time.CopyFrom(details.generic_metadata.create_time)
        operation.metadata.Pack(details)
        begun = operations_pb2.Operation()
        begun.CopyFrom(operation)
        operation.done = True
        operation.response.Pack(empty_pb2.Empty() if response is None else response)
        self._store.put(name, operation)
        return begun
