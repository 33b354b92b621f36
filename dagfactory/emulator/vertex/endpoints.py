"""Endpoints: create, deploy, undeploy, and the rules of the traffic split."""

from collections.abc import Mapping
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import VERTEX, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.masks import apply_mask
from dagfactory.emulator.vertex.models import Models
from dagfactory.emulator.vertex.operations import Operations

SERVICE = f"{VERTEX}.EndpointService"
WHOLE = 100
BEING_DEPLOYED = "0"  # the key of the model a DeployModel call brings, in its traffic split


class Endpoints:
    """The endpoints of EndpointService: deployment is a record, nothing is started for it."""

    def __init__(self, store: ResourceStore, models: Models, operations: Operations) -> None:
        self._store, self._models, self._operations = store, models, operations

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        many = "/v1/{parent=projects/*/locations/*}/endpoints"
        one = "/v1/{name=projects/*/locations/*/endpoints/*}"
        update = "/v1/{endpoint.name=projects/*/locations/*/endpoints/*}"
        act = "/v1/{endpoint=projects/*/locations/*/endpoints/*}"
        return [
            Method(SERVICE, "CreateEndpoint", "POST", many, self.create, body="endpoint"),
            Method(SERVICE, "GetEndpoint", "GET", one, self.get),
            Method(SERVICE, "ListEndpoints", "GET", many, self.list_page),
            Method(SERVICE, "UpdateEndpoint", "PATCH", update, self.update, body="endpoint"),
            Method(SERVICE, "DeleteEndpoint", "DELETE", one, self.delete),
            Method(SERVICE, "DeployModel", "POST", act + ":deployModel", self.deploy, body="*"),
            Method(
                SERVICE, "UndeployModel", "POST", act + ":undeployModel", self.undeploy, body="*"
            ),
        ]

    def create(self, request: Any) -> Any:
        """Create an endpoint; a long-running operation."""
        endpoint = request.endpoint
        resource_names.require_display_name(endpoint)
        with self._store.transaction():
            endpoint.name = self._new_name(request)
            endpoint.create_time.GetCurrentTime()
            endpoint.update_time.CopyFrom(endpoint.create_time)
            self._store.put(endpoint.name, endpoint)
        metadata = "CreateEndpointOperationMetadata"
        return self._operations.finished(endpoint.name, endpoint, metadata)

    def get(self, request: Any) -> Any:
        """Return an endpoint."""
        return self._store.get(request.name)

    def list_page(self, request: Any) -> Any:
        """Return a page of endpoints."""
        found = self._store.below(request.parent, "endpoints")
        return fill_page(vertex("ListEndpointsResponse"), "endpoints", found, request)

    def update(self, request: Any) -> Any:
        """Change the fields named by update_mask; a traffic split is checked."""
        with self._store.edit(request.endpoint.name) as stored:
            apply_mask(stored, request.endpoint, request.update_mask)
            _check_split(stored.traffic_split, _ids(stored))
            stored.update_time.GetCurrentTime()
        return self._store.get(stored.name)

    def delete(self, request: Any) -> Any:
        """Delete an endpoint without deployed models."""
        if self._store.get(request.name).deployed_models:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"Endpoint {request.name} has deployed models; undeploy them first.",
            )
        self._store.delete(request.name)
        return self._operations.finished(request.name, None, "DeleteOperationMetadata")

    def deploy(self, request: Any) -> Any:
        """Deploy a model; a traffic split given replaces the endpoint's, else it stays."""
        model = self._models.find(request.deployed_model.model)
        deployed = vertex("DeployedModel")
        deployed.CopyFrom(request.deployed_model)
        deployed.model = resource_names.numbered(model.name)
        deployed.model_version_id = model.version_id
        deployed.display_name = deployed.display_name or model.display_name
        deployed.id = deployed.id or self._store.new_id()
        deployed.create_time.GetCurrentTime()
        split = {
            deployed.id if key == BEING_DEPLOYED else key: share
            for key, share in request.traffic_split.items()
        }
        with self._store.edit(request.endpoint) as endpoint:
            endpoint.deployed_models.append(deployed)
            _replace_split(endpoint, split)
            endpoint.update_time.GetCurrentTime()
        response = vertex("DeployModelResponse", deployed_model=deployed)
        return self._operations.finished(request.endpoint, response, "DeployModelOperationMetadata")

    def undeploy(self, request: Any) -> Any:
        """Remove a deployed model that has no traffic, or loses it by the split given."""
        wanted = request.deployed_model_id
        with self._store.edit(request.endpoint) as endpoint:
            if wanted not in _ids(endpoint):
                raise ApiError("NOT_FOUND", f"DeployedModel {wanted} was not found.")
            rest = [each for each in endpoint.deployed_models if each.id != wanted]
            _replace_split(endpoint, request.traffic_split)
            if rest and endpoint.traffic_split.get(wanted, 0) > 0:
                raise ApiError(
                    "FAILED_PRECONDITION",
                    f"DeployedModel {wanted} has traffic; give a traffic_split without it.",
                )
            del endpoint.deployed_models[:]
            endpoint.deployed_models.extend(rest)
            _forget(endpoint, wanted, last=not rest)
            endpoint.update_time.GetCurrentTime()
        response, metadata = vertex("UndeployModelResponse"), "UndeployModelOperationMetadata"
        return self._operations.finished(request.endpoint, response, metadata)

    def _new_name(self, request: Any) -> str:
        if not request.endpoint_id:
            return self._store.new_name(request.parent, "endpoints")
        name = f"{request.parent}/endpoints/{request.endpoint_id}"
        if any(each.name == name for each in self._store.below(request.parent, "endpoints")):
            raise ApiError("ALREADY_EXISTS", f"Endpoint {name} already exists.")
        return name


def _ids(endpoint: Any) -> set[str]:
    return {each.id for each in endpoint.deployed_models}


def _replace_split(endpoint: Any, split: Mapping[str, int]) -> None:
    if split:
        _check_split(split, _ids(endpoint))
        endpoint.traffic_split.clear()
        endpoint.traffic_split.update(split)


def _forget(endpoint: Any, deployed_id: str, *, last: bool) -> None:
    if last:
        endpoint.traffic_split.clear()
    else:
        endpoint.traffic_split.pop(deployed_id, None)


def _check_split(split: Mapping[str, int], known: set[str]) -> None:
    """Refuse shares of unknown models, outside 0..100, or that do not add up to 100."""
    if not split:
        return
    unknown = sorted(set(split) - known)
    if unknown:
        raise ApiError("INVALID_ARGUMENT", f"traffic_split names unknown models: {unknown}")
    if sum(split.values()) != WHOLE or min(split.values()) < 0:
        raise ApiError(
            "INVALID_ARGUMENT", f"traffic_split must add up to 100, not {sum(split.values())}."
        )
