"""The model of `specs/usage/PIPELINE.yaml`: how much of everything a pipeline uses."""

from __future__ import annotations

from datetime import timedelta
from math import sqrt
from typing import Any

from pydantic import Field, field_serializer, model_validator

from dagfactory.language.common import Date, PositiveDuration, SpecModel, TaskId, bad

_HOUR = timedelta(hours=1)


class Measured(SpecModel):
    """Where a number of hours comes from: the jobs that were looked at."""

    jobs: int = Field(ge=1, description="jobs that have ended")
    failed: int = Field(0, ge=0, description="those that failed or were cancelled")
    preempted: int = Field(0, ge=0, description="those that failed because Spot machines went")
    total: float = Field(ge=0, description="hours of all of them")
    median: float = Field(ge=0, description="median of the hours")
    p90: float = Field(ge=0, description="hours that nine of ten jobs do not exceed")
    until: Date = Field(description="day of the measurement")

    @field_serializer("until")
    def _day(self, value: Any) -> str:
        return f"{value:%Y-%m-%d}"


class TaskUsage(SpecModel):
    """What one task uses in a run."""

    hours: float | None = Field(
        None, gt=0, le=100_000, description="hours of one job, what its failed tries took included"
    )
    measured: Measured | None = Field(None, description="written by `cost --measure`")
    tib: float | None = Field(None, gt=0, description="TiB that its queries read")
    replicas: float | None = Field(
        None, gt=0, description="replicas of an endpoint, the mean of a month"
    )


class Preemptions(SpecModel):
    """What becomes of Spot jobs."""

    every: PositiveDuration = Field(
        timedelta(hours=6), description="mean time between two preemptions of a job"
    )
    save: PositiveDuration = Field(
        timedelta(minutes=2), description="time that writing a checkpoint takes"
    )
    load: PositiveDuration = Field(
        timedelta(minutes=5), description="time until a restarted job goes on"
    )

    @property
    def overhead(self) -> float:
        """Return the share of a job's time that brings it no further.

        Checkpoints are written at the interval of Young and Daly, sqrt(2 · save · every).
        """
        every, save, load = (each / _HOUR for each in (self.every, self.save, self.load))
        interval = sqrt(2 * save * every)
        return save / interval + (interval / 2 + load) / every

    @model_validator(mode="after")
    def _gets_on(self) -> Preemptions:
        if self.overhead >= 1:
            remedy = "write a longer `every`, or a shorter `save` and `load`"
            raise bad("with such preemptions no job ever ends", remedy)
        return self


class Usage(SpecModel):
    """How much of everything a pipeline uses; what is absent is assumed, and said to be."""

    runs_per_month: float | None = Field(
        None, gt=0, le=1_000_000, description="runs a month; by the schedule if absent"
    )
    storage_gb: float | None = Field(None, gt=0, description="GB kept in Cloud Storage")
    preemptions: Preemptions | None = Field(None, description="what becomes of Spot jobs")
    tasks: dict[TaskId, TaskUsage] = Field({}, description="by task")
