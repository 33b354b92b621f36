"""`gcs_delete`: delete objects in Cloud Storage, by name or below a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from dagfactory.diagnostics.diagnostic import Diagnostic
from dagfactory.diagnostics.span import Pointer
from dagfactory.language.common import bad, missing
from dagfactory.task_api.task_type import TaskType
from dagfactory.tasks._address import Address, Addresses, location, other_bucket
from dagfactory.tasks._google import GoogleTask, credentials, lazy

if TYPE_CHECKING:
    from dagfactory.dagfile.model import Operator
    from dagfactory.language.environment import EnvironmentFile
    from dagfactory.language.pipeline import Pipeline
    from dagfactory.task_api.context import LoweringContext, TaskContext

OPERATOR = "airflow.providers.google.cloud.operators.gcs.GCSDeleteObjectsOperator"
_SLASHES_OF_A_BUCKET = 3


class GcsDelete(GoogleTask):
    """Delete objects: either those named, or everything below a folder."""

    type: Literal["gcs_delete"]
    objects: Addresses | None = Field(
        None,
        description="Addresses of the objects, all in one bucket.",
        examples=["${run.dir}/raw/images.avro"],
    )
    folder: Address | None = Field(
        None,
        description="Everything below this address, which ends in `/`.",
        examples=["${run.dir}/raw/"],
    )
    missing_ok: bool = Field(
        default=True,
        description="Whether an object may be gone already; a retry meets those it deleted before.",
    )

    @model_validator(mode="after")
    def _one(self) -> GcsDelete:
        if self.objects is None and self.folder is None:
            raise missing("objects", "or `folder`: what is to be deleted")
        if self.objects is not None and self.folder is not None:
            raise bad("`objects` and `folder` exclude each other", "use two tasks", ("folder",))
        for index, each in enumerate(self.objects or ()):
            if "*" in each or each.endswith("/"):
                raise bad(f"`{each}` is not one object", "use `folder:`", ("objects", index))
        self._check_folder(self.folder)
        return self

    @staticmethod
    def _check_folder(folder: str | None) -> None:
        if folder is None:
            return
        if not folder.endswith("/") or "*" in folder:
            remedy = "end it with `/`: without, its neighbours of the same beginning would go too"
            raise bad(f"`{folder}` is not a folder", remedy, ("folder",))
        whole = folder.startswith("gs://") and folder.count("/") <= _SLASHES_OF_A_BUCKET
        if whole or folder == "${env.bucket}/":
            raise bad("this would delete the whole bucket", "name a folder in it", ("folder",))


def lower(task: GcsDelete, lowering: LoweringContext, context: TaskContext) -> Operator:
    """Return the provider's operator, imported when the task runs."""
    arguments = _what(task, lowering) | {"ignore_error": task.missing_ok}
    return lazy(task, lowering, context, OPERATOR, arguments | credentials(task))


def _what(task: GcsDelete, lowering: LoweringContext) -> dict[str, Any]:
    """Return the bucket with the names or the prefix."""
    if task.folder:
        found = location(task.folder, lowering)
        return {"bucket_name": found.bucket, "prefix": found.name}
    places = [location(each, lowering) for each in task.objects or ()]
    return {"bucket_name": places[0].bucket, "objects": [each.name for each in places]}


def problems(
    task: GcsDelete, _pipeline: Pipeline, _environment: EnvironmentFile | None
) -> Iterator[Diagnostic]:
    """Find objects in more than one bucket."""
    index = other_bucket(task.objects or [])
    if index is not None:
        help_ = "delete those of each bucket in a task of its own"
        yield Diagnostic(
            "DF123",
            "the objects lie in different buckets",
            Pointer(("objects", index)),
            help=help_,
        )


TASK_TYPE = TaskType(GcsDelete, lower, problems=problems)
