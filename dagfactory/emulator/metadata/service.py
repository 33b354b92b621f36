"""All of MetadataService and TensorboardService that is served."""

from dagfactory.emulator.metadata import tensorboards
from dagfactory.emulator.metadata.lineage import Lineage
from dagfactory.emulator.metadata.nodes import ARTIFACT, CONTEXT, EXECUTION, STORES, Nodes, Stores
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.operations import Operations


def methods(store: ResourceStore, operations: Operations) -> list[Method]:
    """Return the rows of the route table."""
    lineage = Lineage(store)
    nodes = [Nodes(store, operations, kind, lineage) for kind in (CONTEXT, ARTIFACT, EXECUTION)]
    parts = (
        Stores(store, operations, STORES),
        *nodes,
        lineage,
        *tensorboards.parts(store, operations),
    )
    return [row for part in parts for row in part.methods()]
