"""Jobs as they are answered: what Vertex AI fills in later than the state says, and jobs that are gone."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from dagfactory.emulator.errors import ApiError
from dagfactory.emulator.faults import Faults
from dagfactory.emulator.vertex.job_states import state_of


def shown(message: Any, faults: Faults) -> Any:
    """Return a job or pipeline as it is answered; raises NOT_FOUND for one that has vanished."""
    if _has_vanished(message, faults):
        raise ApiError("NOT_FOUND", f"The resource {message.name} was not found.")
    return without_late(message, faults)


def all_shown(messages: Iterable[Any], faults: Faults) -> list[Any]:
    """Return jobs or pipelines as they are listed."""
    return [without_late(each, faults) for each in messages if not _has_vanished(each, faults)]


def without_late(message: Any, faults: Faults) -> Any:
    """Return a job or pipeline without what is not known of it yet."""
    # understanding-training-service: a job may be FAILED about a minute before it has its error
    if state_of(message) == "FAILED" and _age(message.end_time) < faults.lateness("error"):
        message.ClearField("error")
    if message.DESCRIPTOR.name == "TrainingPipeline" and not _backing_known(message, faults):
        message.ClearField("training_task_metadata")
    return message


def _has_vanished(message: Any, faults: Faults) -> bool:
    return _age(message.create_time) >= faults.lifetime()


def _backing_known(pipeline: Any, faults: Faults) -> bool:
    """Say whether a pipeline names the job behind it, which while it runs is a best effort."""
    if pipeline.HasField("end_time"):
        return True
    # the job is made after the pipeline: the first answer cannot name it
    return pipeline.HasField("start_time") and _age(pipeline.start_time) >= faults.lateness(
        "backing"
    )


def _age(moment: Any) -> float:
    return float((datetime.now(UTC) - moment.ToDatetime(UTC)).total_seconds())
