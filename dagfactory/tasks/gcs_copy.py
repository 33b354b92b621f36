"""`gcs_copy`: copy or move objects in Cloud Storage: one, a folder, or those that match a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.language.common import bad
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address, Location, location
from dagfactory.tasks._google import GoogleTask, credentials, lazy

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.task_api.context import LoweringContext, TaskContext

OBJECTS = "airflow.providers.google.cloud.transfers.gcs_to_gcs.GCSToGCSOperator"
FOLDERS = "airflow.providers.google.cloud.operators.gcs.GCSSynchronizeBucketsOperator"


class GcsCopy(GoogleTask):
    """Copy inside Google's network; a retry skips the objects of a folder that are there already.

    A source that ends in `/` is a folder, one with `*` a pattern, all else one object.
    """

    type: Literal["gcs_copy"]
    source: Address = Field(
        description="What to copy.",
        examples=["${tasks.train.model_dir}/", "gs://my-ml/raw/*.avro", "gs://my-ml/config.json"],
    )
    destination: Address = Field(
        description="Where to; a folder (ending in `/`) for a folder or a pattern.",
        examples=["${env.bucket}/released/arr_coc/"],
    )
    move: bool = Field(default=False, description="Delete each object once it is copied.")
    overwrite: bool = Field(default=True, description="Replace objects that are there already.")
    mirror: bool = Field(
        default=False,
        description="Delete what the destination has and the source has not (folders).",
    )

    @model_validator(mode="after")
    def _consistent(self) -> GcsCopy:
        many = self.source.endswith("/") or "*" in self.source
        if many and not self.destination.endswith("/"):
            raise bad("many objects need a folder", "end it with `/`", ("destination",))
        if self.mirror and (self.move or not self.source.endswith("/")):
            raise bad("`mirror` is for copying a folder", "end `source` with `/`", ("mirror",))
        if "*" in self.destination:
            raise bad("a destination has no `*`", "write the folder", ("destination",))
        return self


def outputs(task: GcsCopy, _context: TaskContext) -> dict[str, str]:
    """Offer the address that was copied to; a folder comes without its last `/`."""
    return {"uri": task.destination.rstrip("/")}


def lower(task: GcsCopy, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator for folders or for objects, imported when the task runs."""
    source, destination = location(task.source, lowering), location(task.destination, lowering)
    ends = {"source_bucket": source.bucket, "destination_bucket": destination.bucket}
    if task.source.endswith("/") and not task.move:
        arguments = ends | _folder(task, source, destination)
        return lazy(task, lowering, context, FOLDERS, arguments | credentials(task))
    arguments = {
        **ends,
        **_objects(task.source, source),
        "destination_object": destination.name,
        "move_object": task.move,
        "replace": task.overwrite,
        "source_object_required": True,
        **credentials(task),
    }
    return lazy(task, lowering, context, OBJECTS, arguments)


def _folder(task: GcsCopy, source: Location, destination: Location) -> dict[str, Any]:
    """Return what is synchronized: keeps sub-folders and compares checksums before it copies."""
    return {
        "source_object": source.name or None,
        "destination_object": destination.name or None,
        "recursive": True,
        "allow_overwrite": task.overwrite,
        "delete_extra_files": task.mirror,
    }


def _objects(written: str, source: Location) -> dict[str, Any]:
    """Return the prefix of a folder, the glob of a pattern, or one exact name."""
    if "*" in written:
        folder = source.name.partition("*")[0].rpartition("/")[0]
        return {"source_object": f"{folder}/" if folder else "", "match_glob": source.name}
    return {"source_object": source.name, "exact_match": not written.endswith("/")}


TASK_TYPE = TaskType(GcsCopy, lower, outputs=outputs)
