"""The jobDetail of a PipelineJob: one PipelineTaskDetail for each task, dag and iteration."""

from contextlib import AbstractContextManager
from typing import Any

from google.protobuf import json_format

from dagfactory.emulator.errors import CODES
from dagfactory.emulator.pipelines.template import MOST_TASKS
from dagfactory.emulator.pipelines.values import Ended, PipelineError, Values
from dagfactory.emulator.protos import VERTEX, enum_value
from dagfactory.emulator.resource_store import ResourceStore

_STATE = f"{VERTEX}.PipelineTaskDetail.State"


class TaskDetails:
    """Keeps a stored PipelineJob up to date with its tasks."""

    def __init__(self, store: ResourceStore, name: str) -> None:
        self._store, self._name = store, name

    def _edit(self) -> AbstractContextManager[Any]:
        # a large job takes long to write, and one whose emulator is gone has FAILED with all its tasks
        return self._store.edit(self._name, written=False)

    def begin(self, task: str, parent: int, inputs: Values) -> int:
        """Add a running task; return its id. Raises PipelineError when there are too many."""
        number = int(self._store.new_id())
        with self._edit() as job:
            if len(job.job_detail.task_details) >= MOST_TASKS:
                raise PipelineError(
                    f"The pipeline has more than {MOST_TASKS} tasks and iterations."
                )
            detail = job.job_detail.task_details.add(
                task_id=number, parent_task_id=parent, task_name=task
            )
            detail.create_time.GetCurrentTime()
            detail.start_time.CopyFrom(detail.create_time)
            detail.state = enum_value(_STATE, "RUNNING")
            _note(detail, "input", inputs)
        return number

    def launched(self, number: int, job_name: str) -> None:
        """Name the custom job that runs a task's container."""
        with self._edit() as job:
            _find(job, number).executor_detail.container_detail.main_job = job_name

    def end(self, number: int, ended: Ended) -> Ended:
        """Store the end of a task; return it."""
        with self._edit() as job:
            detail = _find(job, number)
            detail.state = enum_value(_STATE, ended.state)
            detail.end_time.GetCurrentTime()
            if ended.error:
                detail.error.code = CODES["FAILED_PRECONDITION"][1]
                detail.error.message = ended.error
            _note(detail, "output", ended.values)
        return ended


def _find(job: Any, number: int) -> Any:
    return next(each for each in job.job_detail.task_details if each.task_id == number)


def _note(detail: Any, side: str, values: Values) -> None:
    """Keep parameters where Vertex AI's executions have them, artifacts where its tasks do."""
    named = {f"{side}:{name}": value for name, value in values.parameters.items()}
    known = json_format.MessageToDict(detail.execution.metadata)
    json_format.ParseDict({**known, **named}, detail.execution.metadata)
    for name, every in values.artifacts.items():
        for each in every:
            artifact = getattr(detail, f"{side}s")[name].artifacts.add()
            artifact.display_name, artifact.uri = each["name"], each["uri"]
            artifact.schema_title = each.get("type", {}).get("schemaTitle", "")
            json_format.ParseDict(each.get("metadata", {}), artifact.metadata)
