"""Models: versions and aliases."""

import re
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.protos import VERTEX, vertex
from dagfactory.emulator.resource_store import ResourceStore
from dagfactory.emulator.rpc_routes import Method
from dagfactory.emulator.vertex import resource_names
from dagfactory.emulator.vertex.listing import fill_page
from dagfactory.emulator.vertex.masks import apply_mask
from dagfactory.emulator.vertex.operations import Operations

SERVICE = f"{VERTEX}.ModelService"
DEFAULT = "default"
# Model.version_aliases: [a-z][a-zA-Z0-9-]{0,126}[a-z0-9], so that no alias is a version id
ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")


class Models:
    """The registry. A version is stored under its full name: .../models/ID@VERSION."""

    def __init__(self, store: ResourceStore, operations: Operations) -> None:
        self._store, self._operations = store, operations

    def methods(self) -> list[Method]:
        """Return this resource's rows of the route table."""
        many = "/v1/{parent=projects/*/locations/*}/models"
        one = "/v1/{name=projects/*/locations/*/models/*}"
        update = "/v1/{model.name=projects/*/locations/*/models/*}"
        return [
            Method(SERVICE, "UploadModel", "POST", many + ":upload", self.upload, body="*"),
            Method(SERVICE, "GetModel", "GET", one, self.get),
            Method(SERVICE, "ListModels", "GET", many, self.list_page),
            Method(SERVICE, "ListModelVersions", "GET", one + ":listVersions", self.list_versions),
            Method(SERVICE, "UpdateModel", "PATCH", update, self.update, body="model"),
            Method(
                SERVICE,
                "MergeVersionAliases",
                "POST",
                one + ":mergeVersionAliases",
                self.merge,
                body="*",
            ),
            Method(
                SERVICE, "DeleteModelVersion", "DELETE", one + ":deleteVersion", self.delete_version
            ),
            Method(SERVICE, "DeleteModel", "DELETE", one, self.delete),
        ]

    def upload(self, request: Any) -> Any:
        """Upload a model, or a version of `parent_model`; a long-running operation."""
        model = self.add_version(request)
        response = vertex(
            "UploadModelResponse", model=model.name, model_version_id=model.version_id
        )
        return self._operations.finished(model.name, response, "UploadModelOperationMetadata")

    def add_version(self, request: Any) -> Any:
        """Store the model of an UploadModelRequest as its next version and return it."""
        model = request.model
        resource_names.require_display_name(model)
        _check_aliases(model.version_aliases)
        with self._store.transaction():
            name = self._target(request)
            versions = self._versions(name)
            model.name = name
            model.version_id = str(1 + max((int(v.version_id) for v in versions), default=0))
            model.create_time.GetCurrentTime()
            model.update_time.CopyFrom(model.create_time)
            model.version_create_time.CopyFrom(model.create_time)
            model.version_update_time.CopyFrom(model.create_time)
            if not versions and DEFAULT not in model.version_aliases:
                model.version_aliases.append(DEFAULT)
            self._take_aliases(name, model.version_aliases)
            self._store.put(f"{name}@{model.version_id}", model)
        return model

    def get(self, request: Any) -> Any:
        """Return a model by ID (the default version), ID@VERSION or ID@ALIAS."""
        return self.find(request.name)

    def find(self, name: str) -> Any:
        """Return a model version; raises NOT_FOUND."""
        base, _, wanted = name.partition("@")
        wanted = wanted or DEFAULT
        for version in self._versions(base):
            if version.version_id == wanted or wanted in version.version_aliases:
                return version
        raise ApiError("NOT_FOUND", f"The Model {name} was not found.")

    def list_page(self, request: Any) -> Any:
        """Return a page of models, each as its default version."""
        every = self._store.below(request.parent, "models")
        found = [model for model in every if DEFAULT in model.version_aliases]
        return fill_page(vertex("ListModelsResponse"), "models", found, request)

    def list_versions(self, request: Any) -> Any:
        """Return a page of a model's versions, newest first."""
        found = self._versions(request.name.split("@")[0])
        if not found:
            self.find(request.name)
        return fill_page(vertex("ListModelVersionsResponse"), "models", found, request)

    def update(self, request: Any) -> Any:
        """Change the fields named by update_mask."""
        stored = self.find(request.model.name)
        apply_mask(stored, request.model, request.update_mask)
        stored.update_time.GetCurrentTime()
        self._put(stored)
        return stored

    def merge(self, request: Any) -> Any:
        """Add aliases to a version (taking them from others); a leading '-' removes one."""
        added = [alias for alias in request.version_aliases if not alias.startswith("-")]
        removed = {alias[1:] for alias in request.version_aliases if alias.startswith("-")}
        _check_aliases(added)
        if DEFAULT in removed:
            raise ApiError("INVALID_ARGUMENT", "The default alias cannot be removed, only moved.")
        with self._store.transaction():
            version = self.find(request.name)
            self._take_aliases(version.name, added)
            kept = [a for a in version.version_aliases if a not in removed and a not in added]
            version.version_aliases[:] = [*kept, *added]
            self._put(version)
        return version

    def delete_version(self, request: Any) -> Any:
        """Delete one version, unless it is the default one."""
        version = self.find(request.name)
        if DEFAULT in version.version_aliases:
            raise ApiError("INVALID_ARGUMENT", "The default version cannot be deleted.")
        self._store.delete(f"{version.name}@{version.version_id}")
        return self._operations.finished(version.name, None, "DeleteOperationMetadata")

    def delete(self, request: Any) -> Any:
        """Delete a model with all its versions."""
        self.find(request.name)
        for version in self._versions(request.name):
            self._store.delete(f"{version.name}@{version.version_id}")
        return self._operations.finished(request.name, None, "DeleteOperationMetadata")

    def _target(self, request: Any) -> str:
        if request.parent_model:
            name: str = self.find(request.parent_model).name
            return name
        if request.model_id:
            return f"{request.parent}/models/{request.model_id}"
        return self._store.new_name(request.parent, "models")

    def _versions(self, name: str) -> list[Any]:
        every = self._store.below(resource_names.parent(name), "models")
        return [model for model in every if model.name == name]

    def _take_aliases(self, name: str, aliases: Any) -> None:
        for version in self._versions(name):
            kept = [alias for alias in version.version_aliases if alias not in aliases]
            if len(kept) < len(version.version_aliases):
                version.version_aliases[:] = kept
                self._put(version)

    def _put(self, version: Any) -> None:
        self._store.put(f"{version.name}@{version.version_id}", version)


def _check_aliases(aliases: Any) -> None:
    for alias in aliases:
        if not ALIAS.fullmatch(alias):
            raise ApiError("INVALID_ARGUMENT", f"Invalid version alias: {alias!r}")
