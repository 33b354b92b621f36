"""Fields of a job that Vertex AI fills later than its state says."""

from datetime import UTC, datetime
from typing import Any

from dagfactory.emulator.faults import Faults
from dagfactory.emulator.vertex.custom_jobs import state_of


def shown(message: Any, faults: Faults) -> Any:
    """Return a job or pipeline as it is answered: without what is not known yet."""
    # understanding-training-service: a job may be FAILED about a minute before it has its error
    if state_of(message) == "FAILED" and _age(message.end_time) < faults.lateness("error"):
        message.ClearField("error")
    if message.DESCRIPTOR.name == "TrainingPipeline" and not _backing_known(message, faults):
        message.ClearField("training_task_metadata")
    return message


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
