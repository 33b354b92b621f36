"""A collection of resources: Create, Get, List, Update and Delete, as Google names their requests."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf import json_format

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.masks import apply_mask
from dagfactory.emulator.vertex.operations import Operations

View: TypeAlias = Callable[[Any], dict[str, Any]]
_OF_THE_SERVICE = ("name", "create_time", "update_time", "etag", "parent_contexts")


@dataclass(frozen=True)
class Kind:
    """How Google writes a kind of resource."""

    service: str
    name: str
    parent: str  # the template of what it lies in: projects/*/locations/*
    collection: str
    shortest: int = 1
    slow: bool = False  # its creation is a long-running operation
    plural: str = ""

    @property
    def field(self) -> str:
        """The resource in a request: `tensorboard_run`."""
        return re.sub("(?<=[a-z])(?=[A-Z])", "_", self.name).lower()

    @property
    def fields(self) -> str:
        """The resources in the answer of a list: `tensorboard_runs`."""
        return self.plural or f"{self.field}s"


class Collection:
    """The resources of a kind."""

    def __init__(self, store: ResourceStore, operations: Operations, kind: Kind) -> None:
        self._store, self._operations, self._kind = store, operations, kind

    def methods(self) -> list[Method]:
        """Return this kind's rows of the route table."""
        kind = self._kind
        name, service = kind.name, kind.service
        names = name if kind.plural else f"{name}s"
        many = f"/v1/{{parent={kind.parent}}}/{kind.collection}"
        one = f"/v1/{{name={kind.parent}/{kind.collection}/*}}"
        own = f"/v1/{{{kind.field}.name={kind.parent}/{kind.collection}/*}}"
        return [
            Method(service, f"Create{name}", "POST", many, self.create, body=kind.field),
            Method(service, f"Get{name}", "GET", one, self.get),
            Method(service, f"List{names}", "GET", many, self.list_page),
            Method(service, f"Update{name}", "PATCH", own, self.update, body=kind.field),
            Method(service, f"Delete{name}", "DELETE", one, self.delete),
        ]

    def create(self, request: Any) -> Any:
        """Create a resource with the id given or with one made up; raises ALREADY_EXISTS."""
        made = getattr(request, self._kind.field)
        with self._store.transaction():
            self.require_parent(request.parent)
            made.name = f"{request.parent}/{self._kind.collection}/{self._new_id(request)}"
            self._refuse_second(made.name)
            self._put_new(made)
        if not self._kind.slow:
            return made
        return self._operations.finished(
            made.name, made, f"Create{self._kind.name}OperationMetadata"
        )

    def get(self, request: Any) -> Any:
        """Return a resource."""
        return self.find(request.name)

    def find(self, name: str) -> Any:
        """Return a resource by name; raises NOT_FOUND."""
        return self._store.get(name)

    def list_page(self, request: Any) -> Any:
        """Return a page of resources."""
        response = vertex(f"{_list_of(request)}Response")
        found = _ordered(
            self._store.below(request.parent, self._kind.collection),
            getattr(request, "order_by", ""),
        )
        return fill_page(
            response, self._kind.fields, found, request, self.view(getattr(request, "filter", ""))
        )

    def view(self, text: str) -> View:  # noqa: ARG002 - for what a filter asks of others
        """Return how a resource looks to a filter."""
        return json_format.MessageToDict

    def update(self, request: Any) -> Any:
        """Change the fields of the mask, without one those given; raises ABORTED for an old etag."""
        change = getattr(request, self._kind.field)
        with self._store.transaction():
            if getattr(request, "allow_missing", False) and change.name not in self._store.names():
                self._put_new(change)
                return change
            with self._store.edit(change.name) as stored:
                self._require_etag(stored, change)
                apply_mask(stored, change, _mask(request, change))
                _stamp(stored)
        return stored

    def delete(self, request: Any) -> Any:
        """Delete a resource with what lies below it; a long-running operation."""
        self._store.get(request.name)
        self.forget(request.name)
        name = "DeleteMetadataStore" if self._kind.name == "MetadataStore" else "Delete"
        return self._operations.finished(request.name, None, f"{name}OperationMetadata")

    def forget(self, name: str) -> None:
        """Remove a resource and what lies below it."""
        with self._store.transaction():
            for each in self._store.names():
                if each == name or (each.startswith(f"{name}/") and "/operations/" not in each):
                    self._store.delete(each)

    def require_parent(self, parent: str) -> None:
        """Raise NOT_FOUND when the parent is a resource that is missing."""
        if self._kind.parent.count("/") > 3:  # noqa: PLR2004 - the four parts of a location
            self._store.get(parent)

    def _new_id(self, request: Any) -> str:
        wanted = str(getattr(request, f"{self._kind.field}_id", ""))
        if not wanted:
            return self._store.new_id() if self._kind.slow else str(uuid.uuid4())
        shortest = self._kind.shortest
        if not re.fullmatch(f"[a-z0-9-]{{{shortest},128}}", wanted):
            text = f"{self._kind.name} ID must be {shortest}-128 characters of [a-z][0-9]-"
            raise ApiError("INVALID_ARGUMENT", f"{text}: {wanted}")
        return wanted

    def _refuse_second(self, name: str) -> None:
        if name in self._store.names():
            raise ApiError("ALREADY_EXISTS", f"{self._kind.name} with name {name} already exists")

    def _put_new(self, made: Any) -> None:
        made.create_time.GetCurrentTime()
        _stamp(made)
        self._store.put(made.name, made)

    def _require_etag(self, stored: Any, change: Any) -> None:
        given = getattr(change, "etag", "")
        if given and given != stored.etag:
            text = f"Specified {self._kind.name} `etag`: `{given}` does not match"
            raise ApiError("ABORTED", f"{text} server `etag`: `{stored.etag}`")


def _ordered(found: list[Any], order: str) -> list[Any]:
    """Order resources by fields such as `create_time desc, display_name`."""
    for each in reversed([part.split() for part in order.split(",") if part.strip()]):
        if each[0] not in found[0].DESCRIPTOR.fields_by_name if found else False:
            raise ApiError("INVALID_ARGUMENT", f"order_by: unknown field {each[0]!r}.")
        found = sorted(
            found, key=lambda one: _key(getattr(one, each[0])), reverse=each[1:] == ["desc"]
        )
    return found


def _key(value: Any) -> Any:
    return value.ToNanoseconds() if hasattr(value, "ToNanoseconds") else value


def _list_of(request: Any) -> str:
    return str(request.DESCRIPTOR.name).removesuffix("Request")


def _mask(request: Any, change: Any) -> Any:
    """Return the mask of an update; without one, the fields that are given."""
    mask = request.update_mask
    if not mask.paths:
        given = [field.name for field, _ in change.ListFields()]
        mask.paths.extend(name for name in given if name not in _OF_THE_SERVICE)
    return mask


def _stamp(message: Any) -> None:
    """Set the time of the change, and the etag: a number that grows."""
    message.update_time.GetCurrentTime()
    if "etag" in message.DESCRIPTOR.fields_by_name:
        message.etag = str(max(time.time_ns() // 1000, int(message.etag or 0) + 1))
