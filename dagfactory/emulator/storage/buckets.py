"""Buckets: a directory and a resource in a side file."""

import json
from pathlib import Path
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.files import replace_text
from dagfactory.emulator.http_server import HttpRequest, HttpResponse, json_response
from dagfactory.emulator.projects import number_of
from dagfactory.emulator.storage import object_paths
from dagfactory.emulator.storage.object_store import ObjectStore
from dagfactory.emulator.storage.record import HOST, now

IMPLICIT = "liesEverywhere"  # a key of ours: clients pass over what they do not know


def region_of(state: Path, name: str) -> str | None:
    """Return where a bucket was created; None for a folder that became one: it lies everywhere."""
    file = state / "gcs-side" / "b" / f"{name}.json"
    resource = json.loads(file.read_text()) if file.exists() else {IMPLICIT: True}
    return None if resource.get(IMPLICIT) else str(resource["location"]).lower()


def exists(state: Path, name: str) -> bool:
    """Say whether there is a bucket of a name."""
    return (state / "gcs" / name).is_dir()


class Buckets:
    """Bucket methods of the JSON API."""

    def __init__(self, store: ObjectStore, side: Path, project: str) -> None:
        self._store, self._side, self._project = store, side / "b", project
        self._side.mkdir(parents=True, exist_ok=True)

    def insert(self, request: HttpRequest) -> HttpResponse:
        """Create a bucket; raises ALREADY_EXISTS."""
        resource = request.json()
        name = str(resource.get("name", ""))
        path = object_paths.bucket_path(self._store.root, name)
        if path.exists():
            message = (
                "Your previous request to create the named bucket succeeded and you already own it."
            )
            raise ApiError("ALREADY_EXISTS", message)
        path.mkdir(parents=True)
        return json_response(
            self._write(name, {**self._fresh(name, request.arg("project")), **resource})
        )

    def ensure(self, name: str, location: str) -> None:
        """Make a bucket unless there is one; without a location it lies in every region."""
        path = object_paths.bucket_path(self._store.root, name)
        if not self._file(name).exists():
            path.mkdir(parents=True, exist_ok=True)
            place = {"location": location.upper(), "locationType": "region"}
            self._write(name, {**self._fresh(name), **(place if location else {IMPLICIT: True})})

    def require(self, name: str) -> None:
        """Raise NOT_FOUND for a bucket that is not there."""
        if not object_paths.bucket_path(self._store.root, name).is_dir():
            raise ApiError("NOT_FOUND", "The specified bucket does not exist.")

    def get(self, name: str, request: HttpRequest) -> HttpResponse:
        """Return a bucket's resource."""
        resource = self.resource(name)
        asked = request.arg("ifMetagenerationMatch")
        if asked not in (None, resource["metageneration"]):
            raise ApiError("FAILED_PRECONDITION", "Metageneration does not match.", 412)
        return json_response(resource)

    def list_page(self, request: HttpRequest) -> HttpResponse:
        """Return all buckets whose name begins with `prefix`."""
        prefix = request.arg("prefix") or ""
        found = sorted(each.name for each in self._store.root.iterdir() if each.is_dir())
        items = [self.resource(name) for name in found if name.startswith(prefix)]
        return json_response({"kind": "storage#buckets", "items": items})

    def patch(self, name: str, request: HttpRequest) -> HttpResponse:
        """Merge settings into a bucket's resource; null deletes."""
        resource = self.resource(name)
        merged = {**resource, **request.json()}
        merged = {key: value for key, value in merged.items() if value is not None}
        merged["metageneration"] = str(int(resource["metageneration"]) + 1)
        merged["updated"] = now()
        return json_response(self._write(name, merged))

    def delete(self, name: str) -> HttpResponse:
        """Delete an empty bucket."""
        self.resource(name)
        if self._store.list_names(name):
            raise ApiError("ALREADY_EXISTS", "The bucket you tried to delete is not empty.")
        path = object_paths.bucket_path(self._store.root, name)
        for directory in sorted(path.rglob("*"), reverse=True):
            directory.rmdir()
        path.rmdir()
        self._file(name).unlink(missing_ok=True)
        return HttpResponse(204)

    def permissions(self, name: str, request: HttpRequest) -> HttpResponse:
        """Grant every permission that is tested."""
        self.resource(name)
        granted = request.query.get("permissions", [])
        return json_response({"kind": "storage#testIamPermissionsResponse", "permissions": granted})

    def resource(self, name: str) -> dict[str, Any]:
        """Return a bucket's resource; raises NOT_FOUND."""
        self.require(name)
        file = self._file(name)
        known: dict[str, Any] = (
            json.loads(file.read_text())
            if file.exists()
            else self._write(name, {**self._fresh(name), IMPLICIT: True})
        )
        return known

    def _write(self, name: str, resource: dict[str, Any]) -> dict[str, Any]:
        # whole or not at all: clients look a bucket up from a second thread while the first one makes it
        replace_text(self._file(name), json.dumps(resource, indent=2))
        return resource

    def _file(self, name: str) -> Path:
        return self._side / f"{name}.json"

    def _fresh(self, name: str, project: str | None = None) -> dict[str, Any]:
        moment = now()
        return {
            "kind": "storage#bucket",
            "id": name,
            "selfLink": f"{HOST}/storage/v1/b/{name}",
            "name": name,
            "projectNumber": number_of(project or self._project),
            "metageneration": "1",
            "location": "US",
            "locationType": "multi-region",
            "storageClass": "STANDARD",
            "etag": "CAE=",
            "timeCreated": moment,
            "updated": moment,
            "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
        }
