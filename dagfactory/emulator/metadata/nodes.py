"""Contexts, artifacts and executions, and the stores that they lie in."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format

from dagfactory.emulator.metadata.collection import Collection, Kind, View
from dagfactory.emulator.metadata.lineage import SERVICE, STORE, Lineage
from dagfactory.emulator.protos import vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.filters import compile_filter
from dagfactory.emulator.vertex.operations import Operations

SHORTEST_ID = 4
SAMPLE = 100
CONTEXT, ARTIFACT, EXECUTION = (
    Kind(SERVICE, name, STORE, f"{name.lower()}s", SHORTEST_ID)
    for name in ("Context", "Artifact", "Execution")
)
STORES = Kind(
    SERVICE, "MetadataStore", "projects/*/locations/*", "metadataStores", SHORTEST_ID, slow=True
)


class Stores(Collection):
    """The metadata stores; they are not updated."""

    def methods(self) -> list[Method]:
        """Return the rows of the route table, without an update."""
        return [row for row in super().methods() if row.verb != "PATCH"]


class Nodes(Collection):
    """The contexts, artifacts or executions."""

    def __init__(
        self, store: ResourceStore, operations: Operations, kind: Kind, lineage: Lineage
    ) -> None:
        super().__init__(store, operations, kind)
        self._lineage = lineage

    def methods(self) -> list[Method]:
        """Return the rows of the route table."""
        kind = self._kind
        path = f"/v1/{{parent={kind.parent}}}/{kind.collection}:purge"
        purge = Method(SERVICE, f"Purge{kind.name}s", "POST", path, self.purge, body="*")
        return [*super().methods(), purge]

    def forget(self, name: str) -> None:
        """Remove a node, also from the links of others."""
        super().forget(name)
        self._lineage.unlink(name)

    def purge(self, request: Any) -> Any:
        """Delete what passes a filter; without `force`, say what would be deleted."""
        kind, test = self._kind, compile_filter(request.filter)
        every = self._store.below(request.parent, kind.collection)
        seen = self.view(request.filter)
        names = [each.name for each in every if test(seen(each))]
        for name in names if request.force else ():
            self.forget(name)
        sample = [] if request.force else names[:SAMPLE]
        answer = vertex(f"Purge{kind.name}sResponse", purge_count=len(names), purge_sample=sample)
        return self._operations.finished(request.parent, answer, f"Purge{kind.name}sMetadata")

    def view(self, text: str) -> View:
        """Return how a node looks to a filter: typed metadata, and the links that it asks for."""
        links = _asked(text, self._lineage)

        def seen(node: Any) -> dict[str, Any]:
            made: dict[str, Any] = json_format.MessageToDict(node)
            metadata = {key: _typed(value) for key, value in made.get("metadata", {}).items()}
            linked = {name: found.get(node.name, []) for name, found in links.items()}
            return {**made, "metadata": metadata, **linked}

        return seen


def _asked(text: str, lineage: Lineage) -> dict[str, Mapping[str, list[str]]]:
    """Return the links that a filter names, each found once for all nodes."""
    every = {"child_contexts": lineage.all_children, "in_context": lineage.all_contexts}
    return {name: find() for name, find in every.items() if name in text}


def _typed(value: Any) -> Any:
    """Return a value of a Struct below the name of its type, as filters write it."""
    match value:
        case bool():
            return {"bool_value": value}
        case float() | int():
            return {"number_value": value}
        case str():
            return {"string_value": value}
    return value
